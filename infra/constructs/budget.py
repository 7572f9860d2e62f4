"""The budget: an email once the account costs more than a month should, whatever the cause."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from constructs import Construct

ACTUAL, FORECASTED = "ACTUAL", "FORECASTED"


class Budget(Construct):
    """A monthly budget of the whole account, if there is an email address to tell.

    It covers the account rather than the stage: a budget by tag counts nothing until somebody activates the tag in the
    billing console. AWS looks at costs a few times a day, so the alarms are faster.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        dollars: float,
        email: str,
        email_is_given: cdk.CfnCondition,
    ) -> None:
        super().__init__(scope, id_)
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)
        budget = budgets.CfnBudget(
            self,
            "Monthly",
            budget=budgets.CfnBudget.BudgetDataProperty(
                # Names are unique in an account, which may have the same stage in several regions.
                budget_name=f"rollcall-{stage}-{cdk.Aws.REGION}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=100,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind in (ACTUAL, FORECASTED)
            ],
        )
        budget.cfn_options.condition = email_is_given
