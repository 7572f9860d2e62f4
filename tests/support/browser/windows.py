"""One member's browser window: its elements and actions."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

AMARA, BJORN, CHLOE = "U0AMARA", "U0BJORN", "U0CHLOE"
DIEGO, HARUKI, PRIYA = "U0DIEGO", "U0HARUKI", "U0PRIYA"
YOGA, TALK = "Yoga in the park", "Tool talk: better code reviews"


def plain(sentence: str) -> str:
    """Return a sentence as the page shows it: bold, without asterisks."""
    return sentence.replace("*", "")


class Window:
    """A page and the errors in its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.set_default_timeout(30_000)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _on_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def card(self, title: str = YOGA) -> Locator:
        """Return an event's card."""
        heading = self.page.get_by_role("heading", name=title)
        return self.page.get_by_role("listitem").filter(has=heading)

    def only_you(self) -> Locator:
        """Return the newest ephemeral message."""
        return self.page.locator(".message.ephemeral").last

    @property
    def modal(self) -> Locator:
        """The open modal."""
        return self.page.locator("#modal[open]")

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press a button."""
        (within or self.page.locator("body")).get_by_role("button", name=name, exact=True).click()

    def type_command(self, text: str) -> None:
        """Send a text from the message box."""
        box = self.page.get_by_role("combobox", name="Message ")
        box.fill(text)
        box.press("Enter")

    def go_to(self, entry: str) -> None:
        """Open a channel or the app from the sidebar."""
        self.page.get_by_role("navigation").get_by_role("button", name=entry).click()

    def choose_slack(self, condition: str) -> None:
        """Set Slack's condition in Backstage."""
        self.page.get_by_role("radiogroup", name="Slack").get_by_text(condition, exact=True).click()
        expect(self.page.get_by_role("radio", name=condition)).to_be_checked()

    @property
    def backstage(self) -> Locator:
        """The Backstage panel."""
        return self.page.get_by_role("complementary", name="Backstage")
