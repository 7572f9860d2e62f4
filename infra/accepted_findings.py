"""Every finding of cdk-nag, cfn-lint and checkov in the template that is accepted, with its reason.

Any other finding fails `make synth`, or the long tests. So does one of these that is found no more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Accepted:
    """A rule that does not hold for some resources on purpose."""

    rule: str
    where: str
    """For cdk-nag the construct, otherwise the type of the resources."""
    reason: str


CDK_NAG = (
    Accepted(
        "SMG4",
        "Functions",
        "Administrators get tokens on Slack's pages and hand the API's to its clients."
        " docs/operations.md describes how to rotate them without an outage.",
    ),
    Accepted(
        "L1",
        "Functions",
        "Python 3.13 is the newest version that Rollcall is tested on. Lambda supports it until 2029.",
    ),
    Accepted("SQS3", "Functions", "This is the dead-letter queue itself. An alarm watches it."),
    Accepted(
        "APIG4",
        "HttpEndpoint",
        "Slack signs its requests, and the function refuses unsigned ones before it reads them"
        " (R10.1). API clients send a bearer token, which the function verifies (R10.3).",
    ),
)

CFN_LINT = (
    Accepted(
        "W3005",
        "AWS::Lambda::Function",
        "CDK lets a function wait for its role, and for the role's policy. The first follows from the second"
        " and does no harm.",
    ),
)

_AWS_KEYS = "It is encrypted with a key of AWS. A key of one's own costs a dollar a month and protects from no one else"

CHECKOV = (
    Accepted(
        "CKV_AWS_149",
        "AWS::SecretsManager::Secret",
        f"{_AWS_KEYS} as long as secrets are not shared with other accounts.",
    ),
    Accepted(
        "CKV_AWS_158",
        "AWS::Logs::LogGroup",
        f"{_AWS_KEYS}: logs contain ids, never names, typed text or secrets.",
    ),
    Accepted(
        "CKV_AWS_173",
        "AWS::Lambda::Function",
        f"{_AWS_KEYS}: the variables contain names of tables and secrets, no values.",
    ),
    Accepted(
        "CKV_AWS_26",
        "AWS::SNS::Topic",
        "Its messages are alarms: names and numbers. With AWS's own key for SNS, CloudWatch could not publish.",
    ),
    Accepted(
        "CKV_AWS_27",
        "AWS::SQS::Queue",
        "It is encrypted (SqsManagedSseEnabled). The rule looks only for keys of KMS.",
    ),
    Accepted(
        "CKV_AWS_115",
        "AWS::Lambda::Function",
        "A new account's 10 can't be reserved, and elsewhere it would cap a rush. The limits of the routes bound what"
        " comes from outside, a press waits in the queue for 1.6 seconds at most, and an alarm watches the account's"
        " concurrency.",
    ),
    Accepted(
        "CKV_AWS_116",
        "AWS::Lambda::Function",
        "The streams' functions have one, in their event source mapping. The scheduled ones need none: their event says"
        " nothing, and the next run does the work. The others are called synchronously.",
    ),
    Accepted(
        "CKV_AWS_117",
        "AWS::Lambda::Function",
        "They use only Slack, DynamoDB and Secrets Manager, over TLS. A VPC would add a NAT gateway, which costs more"
        " than everything else, and protects nothing that is in it.",
    ),
)
