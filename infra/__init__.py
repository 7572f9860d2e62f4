"""Rollcall in AWS, as a CDK app: resources, permissions, metrics and alarms."""
