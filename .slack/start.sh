# What `slack run` starts: the bot in Socket Mode, with the tokens of the app that it just installed.
set -eu
# Both come from `slack run`.
: "${SLACK_CLI_XOXB:?run this with: slack run}" "${SLACK_CLI_XAPP:?run this with: slack run}"
: "${ROLLCALL_STORE:=sqlite:.rollcall/slack-run.sqlite}"
case $ROLLCALL_STORE in sqlite:.rollcall/*) mkdir -p .rollcall ;; esac
export ROLLCALL_STORE SLACK_BOT_TOKEN="$SLACK_CLI_XOXB" SLACK_APP_TOKEN="$SLACK_CLI_XAPP"
exec .venv/bin/rollcall socket
