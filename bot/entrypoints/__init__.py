"""The starts of processes: the command line, the servers, and the Lambda functions."""
