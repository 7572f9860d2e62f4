"""The simulation: several processes on one store, with Slack and people, in virtual time, from one seed."""
