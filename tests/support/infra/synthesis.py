"""The stack's CloudFormation template, with references as the names of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from storage.dynamodb.schema import JOURNAL, REQUESTS

Json = Mapping[str, Any]

FUNCTIONS = ("slack", "api", "queue", "reply", "notifier", "export", "sweep", "members")

STREAMED = {"queue": REQUESTS, "reply": REQUESTS, "notifier": JOURNAL, "export": JOURNAL}
"""The functions that a stream calls, with its table."""


def synthesize(folder: Path, stage: str, *, warm: int = 0) -> Json:
    """Return a stage's template, with an empty package. Raise on findings of cdk-nag, unless CDK_VALIDATION is off."""
    import aws_cdk as cdk  # it starts Node, which may be missing
    from aws_cdk import aws_lambda as lambda_
    from cdk_nag import AwsSolutionsChecks

    from infra.stack import RollcallStack

    package = folder / "package"
    package.mkdir(parents=True, exist_ok=True)
    (package / "empty.txt").touch()
    app = cdk.App(outdir=str(folder / "cdk.out"))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    code = lambda_.Code.from_asset(str(package))
    stack = RollcallStack(app, stage=stage, code=code, warm=warm)
    return cast("Json", app.synth().get_stack_by_name(stack.stack_name).template)


class Resources:
    """A template's resources, as they are with these parameters. Others have their defaults."""

    def __init__(self, template: Json, **parameters: str) -> None:
        self._template = template
        defaults = {name: one.get("Default") for name, one in template["Parameters"].items()}
        self._conditions = _Conditions(template["Conditions"], defaults | parameters)
        self._by_id: Json = {
            id_: self._conditions.resolve(one)
            for id_, one in template["Resources"].items()
            if self._conditions.holds(one.get("Condition"))
        }
        self.outputs: Json = template["Outputs"]
        self.parameters: Json = template["Parameters"]

    def given(self, **parameters: str) -> Resources:
        """Return the resources as they are with these parameters."""
        return Resources(self._template, **parameters)

    def ids(self) -> list[str]:
        """Return the logical ids of all resources."""
        return [*self._by_id]

    def of_id(self, id_: str) -> Json:
        """Return a resource with its attributes, such as `DependsOn`."""
        return cast("Json", self._by_id[id_])

    def ids_of(self, kind: str) -> list[str]:
        """Return the logical ids of all resources of a type."""
        return [id_ for id_, one in self._by_id.items() if one["Type"] == kind]

    def all(self) -> list[Json]:
        """Return the properties of all resources."""
        return [one.get("Properties", {}) for one in self._by_id.values()]

    def of(self, kind: str) -> list[Json]:
        """Return the properties of all resources of a type."""
        return [one["Properties"] for one in self._by_id.values() if one["Type"] == kind]

    def one(self, kind: str, **properties: str) -> Json:
        """Return the properties of the only resource with these properties."""
        (found,) = (
            each
            for each in self.of(kind)
            if all(each.get(name) == value for name, value in properties.items())
        )
        return found

    def function(self, name: str) -> Json:
        """Return a function's properties."""
        return self.one("AWS::Lambda::Function", FunctionName=f"rollcall-prod-{name}")

    def statements(self, function: str) -> Iterator[tuple[str, str]]:
        """Yield the permissions of a function: each action with the name of each resource."""
        role = self.function(function)["Role"]["Fn::GetAtt"][0]
        assert "ManagedPolicyArns" not in self._by_id[role]["Properties"]
        for policy in self.of("AWS::IAM::Policy"):
            if policy["Roles"] == [{"Ref": role}]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    assert statement["Effect"] == "Allow"
                    for action in _listed(statement["Action"]):
                        for resource in _listed(statement["Resource"]):
                            yield action, self.named(resource)

    def named(self, value: Any) -> str:
        """Return a reference as a name: `events`, `journal.StreamArn`, `events/upcoming`."""
        match value:
            case {"Ref": id_}:
                return self._name(id_)
            case {"Fn::GetAtt": [id_, "Arn"]}:
                return self._name(id_)
            case {"Fn::GetAtt": [id_, attribute]}:
                return f"{self._name(id_)}.{attribute}"
            case {"Fn::Join": ["", [arn, str(path)]]} if path.startswith("/index/"):
                return f"{self.named(arn)}/{path.removeprefix('/index/')}"
            case _:
                raise AssertionError(f"not a reference: {value}")

    def _name(self, id_: str) -> str:
        properties = self._by_id[id_]["Properties"]
        for key in ("TableName", "Name", "LogGroupName", "QueueName", "FunctionName", "TopicName"):
            if key in properties:
                return str(properties[key]).removeprefix("rollcall-prod-")
        return id_

    def policies_of(self, kind: str) -> set[tuple[str, str]]:
        """Return the update-replace and deletion policies of the resources of a type."""
        return {
            (one.get("UpdateReplacePolicy", "Delete"), one.get("DeletionPolicy", "Delete"))
            for one in self._by_id.values()
            if one["Type"] == kind
        }


class _Conditions:
    """The template's conditions, which compare parameters with constants."""

    def __init__(self, conditions: Json, parameters: Json) -> None:
        self._conditions, self._parameters = conditions, parameters

    def holds(self, name: str | None) -> bool:
        """Return whether a condition is true. None is."""
        return name is None or self._is_true(self._conditions[name])

    def _is_true(self, expression: Any) -> bool:
        match expression:
            case {"Fn::Not": [inner]}:
                return not self._is_true(inner)
            case {"Fn::Equals": [{"Ref": str(name)}, constant]}:
                return bool(self._parameters[name] == constant)
            case _:
                raise AssertionError(f"not a comparison: {expression}")

    def resolve(self, value: Any) -> Any:
        """Return the value with the chosen branch of each `Fn::If`."""
        match value:
            case {"Fn::If": [str(name), then, otherwise]}:
                return self.resolve(then if self.holds(name) else otherwise)
            case dict():
                return {key: self.resolve(one) for key, one in value.items()}
            case list():
                return [self.resolve(one) for one in value]
            case _:
                return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
