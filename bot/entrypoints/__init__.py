"""What starts a process: the command line, the servers, and the Lambda functions."""
