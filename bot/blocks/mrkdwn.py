"""Slack's markup: text that people typed, made harmless, and mentions."""

from __future__ import annotations

import re
from collections.abc import Sequence

LISTED = 200
"""Characters, escaped, of a typed text in a list: what all blocks of a message may hold is about 13,000."""


def escape(text: str, most: int | None = None) -> str:
    """Return typed text for mrkdwn: it can't ping, link, format, break out of its line or turn it round (R8.11).

    Slack has no escape for its formatting characters: others that look the same stand in for them
    (`as_typed` turns them back). An invisible word joiner takes emoji codes apart, and keeps a line
    from being a quotation. Addresses stay text because `section` and `context` have Slack look for
    none. Where that has more than `most` characters, it is cut.
    """
    escaped, length = _escaped(text), len(text)
    while most is not None and len(escaped) > most:
        length -= max(1, (len(escaped) - most) // _LONGEST_ESCAPE)
        escaped = _escaped(shortened(text, length))
    return escaped


def _escaped(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    text = _EDGE_OF_WORD.sub(_LOOKALIKES["_"], text).translate(_ALWAYS)
    text = _EMOJI_CODE.sub(f":{_JOINER}", text)
    text = " ".join(_CONTROL.sub("", text).split())
    return contained(f"{_JOINER}{text}" if text.startswith("&gt;") else text)


def as_typed(text: str) -> str:
    """Return what somebody typed or copied with what `escape` put into it taken back."""
    for typed, shown in _LOOKALIKES.items():
        text = text.replace(shown, typed)
    return text.replace(_JOINER, "")


_JOINER = "\u2060"


_LOOKALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
"""For each character that formats in mrkdwn, one that does not."""


_ALWAYS = str.maketrans({typed: _LOOKALIKES[typed] for typed in "*~`"})


_EDGE_OF_WORD = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that is not between letters or digits: one that is formats nothing, and is often copied."""


def contained(text: str) -> str:
    """Return typed text that lets go of what it turned round: what follows it in its line runs as ever.

    Unicode's marks for the direction of text hold until their counterpart comes (UAX 9).
    """
    open_ones: list[str] = []
    for character in text:
        if character in "\u202a\u202b\u202d\u202e":
            open_ones.append(_POP)
        elif character in "\u2066\u2067\u2068":
            open_ones.append(_POP_ISOLATE)
        elif character == _POP_ISOLATE and _POP_ISOLATE in open_ones:
            while open_ones.pop() != _POP_ISOLATE:
                pass
        elif open_ones[-1:] == [character]:
            open_ones.pop()
    return text + "".join(reversed(open_ones))


_POP, _POP_ISOLATE = "\u202c", "\u2069"


_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""What shows nothing and is no white space: nobody typed it in Slack."""


_LONGEST_ESCAPE = len("&amp;")


_EMOJI_CODE = re.compile(r":(?=[^\s:]+:)")


def bold(text: str, most: int | None = None) -> str:
    """Return typed text in bold; cut as `escape` does."""
    return f"*{escape(text, most)}*"


def mention(user_id: str) -> str:
    """Return a person as Slack shows it, with the name of today; somebody who is not in Slack, by id."""
    return f"<@{user_id}>" if is_slack_id(user_id) else escape(user_id)


def is_slack_id(user_id: str) -> bool:
    """Return whether a user's id is one of Slack's; programs give theirs others."""
    return _SLACK_ID.fullmatch(user_id) is not None


_SLACK_ID = re.compile(r"[UW][A-Z0-9]+")


def mention_list(user_ids: Sequence[str], count: int) -> str:
    """Return "A", "A and B", "A, B and 3 more": the first few by mention, the rest as a number."""
    shown = [mention(user_id) for user_id in user_ids[:5]]
    if count > len(shown):
        shown.append(f"{count - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def shortened(text: str, length: int) -> str:
    """Return the text, cut with an ellipsis if it is longer."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
