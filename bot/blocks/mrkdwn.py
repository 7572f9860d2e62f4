"""Slack's mrkdwn: escaping typed text, and mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from domain.inputs import utf16_length
from domain.models import User

LISTED = 200
"""Characters of typed text in a list, after escaping. All blocks of a message may have about 13,000."""


def escape(text: str, max_length: int | None = None) -> str:
    """Return typed text as mrkdwn that can't ping, format, or change the lines around it (R8.11).

    A web address becomes a link that shows itself, unaltered. Slack can't escape its formatting characters,
    so lookalikes replace them elsewhere (`as_typed` restores them). An invisible word joiner breaks emoji
    codes, and keeps a line from becoming a quotation. `section` and `context` keep Slack from linking more.
    Escaped text of more than `max_length` UTF-16 units is cut; an address is left out rather than cut.
    """
    escaped, length = _escaped(text), utf16_length(text)
    while max_length is not None and utf16_length(escaped) > max_length:
        length -= max(1, (utf16_length(escaped) - max_length) // _LONGEST_ESCAPE)
        escaped = _escaped(_CUT_ADDRESS.sub("…", shortened(text, length)))
    return escaped


def _escaped(text: str) -> str:
    text = " ".join(_CONTROL.sub("", text).split())
    escaped = "".join(
        f"<{_with_entities(part)}>" if is_address else _without_formatting(part)
        for part, is_address in split_addresses(text)
    )
    return contained(f"{_JOINER}{escaped}" if escaped.startswith("&gt;") else escaped)


def _with_entities(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return text


def _without_formatting(text: str) -> str:
    text = _EDGE_OF_WORD.sub(_LOOKALIKES["_"], _with_entities(text)).translate(_ALWAYS)
    return _EMOJI_CODE.sub(f":{_JOINER}", text)


def split_addresses(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of typed text in order, each with whether it is a web address."""
    end = 0
    for match in _ADDRESS.finditer(text):
        address = _without_punctuation(match[0])
        if _HOST.match(address):
            yield text[end : match.start()], False
            yield address, True
            end = match.start() + len(address)
    yield text[end:], False


def _without_punctuation(address: str) -> str:
    """Return an address without what belongs to the sentence around it, such as a period at its end."""
    while address.endswith(_PUNCTUATION) or (
        address.endswith(")") and address.count(")") > address.count("(")
    ):
        address = address[:-1]
    return address


_ADDRESS = re.compile(
    r"(?<![^\W_])https?://[^\s<>|\"`\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]+",
    re.IGNORECASE,
)
"""Matches a web address. What could end Slack's link, or reorder what people read, ends the address."""


_HOST = re.compile(r"https?://[^/?#]*[^\W_]", re.IGNORECASE)


_CUT_ADDRESS = re.compile(r"(?<![^\W_])https?://\S*…\Z", re.IGNORECASE)


_PUNCTUATION = tuple(".,:;!?'*…’”»]")


def as_typed(text: str) -> str:
    """Undo `escape` in text that a user copied from a message and typed."""
    for typed, shown in _LOOKALIKES.items():
        text = text.replace(shown, typed)
    return text.replace(_JOINER, "")


_JOINER = "\u2060"


_LOOKALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
"""Lookalikes for the characters that format mrkdwn."""


_ALWAYS = str.maketrans({typed: _LOOKALIKES[typed] for typed in "*~`"})


_EDGE_OF_WORD = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""Matches an underscore at the edge of a word. One between letters or digits formats nothing."""


def contained(text: str) -> str:
    """Return typed text with its text direction marks closed, so the text after it keeps its direction.

    A Unicode direction mark has effect until its counterpart (UAX 9).
    """
    expected: list[str] = []
    for character in text:
        if character in "\u202a\u202b\u202d\u202e":
            expected.append(_POP)
        elif character in "\u2066\u2067\u2068":
            expected.append(_POP_ISOLATE)
        elif character == _POP_ISOLATE and _POP_ISOLATE in expected:
            while expected.pop() != _POP_ISOLATE:
                pass
        elif expected[-1:] == [character]:
            expected.pop()
    return text + "".join(reversed(expected))


_POP, _POP_ISOLATE = "\u202c", "\u2069"


_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""Matches invisible characters that are no white space. No one types them in Slack."""


_LONGEST_ESCAPE = len("&amp;")


_EMOJI_CODE = re.compile(r":(?=[^\s:]+:)")


def bold(text: str, max_length: int | None = None) -> str:
    """Return typed text in bold, cut as `escape` cuts it."""
    return f"*{escape(text, max_length)}*"


def web_address(address: str, label: str = "") -> str:
    """Return a link that shows its address, unaltered, or a label that nobody typed.

    The address must have no character that ends a link: one that Rollcall made, or a join link.
    """
    shown = f"|{label}" if label else ""
    return f"<{address.replace('&', '&amp;')}{shown}>"


def mention(user_id: str) -> str:
    """Return a mention, which Slack shows with the current name, or the id of a user who is not in Slack."""
    return f"<@{user_id}>" if is_slack_id(user_id) else escape(user_id)


def name_of(user_id: str, users: Mapping[str, User], max_length: int = LISTED) -> str:
    """Mention a Slack user, or return the stored name of a user who is not in Slack, cut as `escape` cuts it."""
    if is_slack_id(user_id) or user_id not in users:
        return mention(user_id)
    return escape(users[user_id].name, max_length)


def is_slack_id(user_id: str) -> bool:
    """Return whether a user id is Slack's. Users that API clients create have other ids."""
    return _SLACK_ID.fullmatch(user_id) is not None


_SLACK_ID = re.compile(r"[UW][A-Z0-9]+")


def channel_link(channel_id: str) -> str:
    """Return a link to a channel, which Slack shows with the current name."""
    return f"<#{channel_id}>" if _CHANNEL_ID.fullmatch(channel_id) else escape(channel_id)


_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]+")


def mention_list(user_ids: Sequence[str], count: int) -> str:
    """Return "A", "A and B", or "A, B, and 3 more". Only the first five are mentioned."""
    shown = [mention(user_id) for user_id in user_ids[:5]]
    if count > len(shown):
        shown.append(f"{count - len(shown):,} more")
    if len(shown) < 3:
        return " and ".join(shown)
    return f"{', '.join(shown[:-1])}, and {shown[-1]}"


def shortened(text: str, length: int) -> str:
    """Return the text, cut with an ellipsis if it has more than `length` UTF-16 units."""
    if utf16_length(text) <= length:
        return text
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * (length - 1)]
    # An emoji that would be cut in half is left out.
    return f"{cut.decode('utf-16-le', 'ignore').rstrip()}…"
