"""What starts a process: the command line, the servers, the Lambda functions, and how they are put together."""
