"""Rollcall in AWS, as CDK: what is deployed, who may do what in it, and who is told when it is not well."""
