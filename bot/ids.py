"""The ids that views and listeners share."""

from enum import StrEnum


class ActionId(StrEnum):
    """Buttons and selects. The value of a button is an event's id unless it says otherwise."""

    REGISTER = "register"
    """On a card, a list or App Home: answered beside it."""
    LEAVE = "leave"
    """On a card, a list or App Home: asks first where it costs something."""
    MANAGE = "manage"
    CHOOSE_TO_REGISTER = "choose_to_register"
    """One of several events that fit: the answer takes the question's place."""
    CHOOSE_TO_LEAVE = "choose_to_leave"
    GIVE_UP = "give_up"
    """In the direct message of a promotion: as `LEAVE`, and the answer takes the message's place."""
    LEAVE_CONFIRMED = "leave_confirmed"
    STAY = "stay"
    MORE_EVENTS = "more_events"
    """Value: the next page's cursor."""
    MORE_REGISTRATIONS = "more_registrations"
    """Value: the status asked for, if any, a colon, and how many come before."""
    CREATE_EVENT = "create_event"
    FORGET_ME = "forget_me"
    KEEP_ME = "keep_me"
    EVENT = "event"
    """The select of events in the picker."""
    TIME_ZONE = "time_zone"
    INPUT = "input"
    """Every other input of a form: its block says which."""
    CHANGE_CAPACITY = "change_capacity"
    CLOSE = "close"
    REOPEN = "reopen"
    POST_CARD = "post_card"
    ROSTER_PAGE = "roster_page"
    """Value: the next page's cursor."""
    ROSTER_BACK = "roster_back"
    """The way back is in the modal's metadata."""


class BlockId(StrEnum):
    """Inputs of forms. Those named as a field of the domain show what is wrong with that field."""

    EVENT = "event"
    TITLE = "title"
    DESCRIPTION = "description"
    LOCATION = "location"
    START_DATE = "starts_at"
    START_TIME = "starts_at_time"
    END_DATE = "ends_at"
    END_TIME = "ends_at_time"
    TIME_ZONE = "time_zone"
    CAPACITY = "capacity"
    OPTIONS = "options"
    DEADLINE_DATE = "registration_deadline"
    DEADLINE_TIME = "registration_deadline_time"
    CO_ORGANIZERS = "co_organizer_ids"
    CHANNEL = "channel"


class CallbackId(StrEnum):
    """Modals."""

    REGISTER = "register"
    UNREGISTER = "unregister"
    CREATE_EVENT = "create_event"
    MANAGE = "manage"
    CAPACITY = "capacity"
    CAPACITY_CONFIRMED = "capacity_confirmed"
    POST_CARD = "post_card"
    NOTE = "note"


class EventOption(StrEnum):
    """What can be ticked in the form of an event."""

    WAITLIST = "waitlist"
    LISTED = "listed"
