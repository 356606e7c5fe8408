# shellcheck shell=bash
# Sourced by the scripts that leave a server running: start it once, know when it answers, end it and nothing else.
#
# The server prints its URL on its first line when it answers. Its directory takes pid, url and log.txt. The script that
# sources this stays in one working directory, and names the server's program by a path that no other process carries.

# background_running PLACE PROGRAM: succeeds when the process noted there is still ours, and not another with its number.
background_running() {
  local id
  id=$(cat "$1/pid" 2>/dev/null) && tr '\0' ' ' 2>/dev/null <"/proc/$id/cmdline" | grep -qF "$2"
}

# background_start PLACE SECONDS PROGRAM COMMAND…: prints the URL; the same when it runs already. COMMAND names PROGRAM.
background_start() {
  local place=$1 end=$((SECONDS + $2)) program=$3 id
  shift 3
  mkdir -p "$place"
  if background_running "$place" "$program" && [ -s "$place/url" ]; then
    cat "$place/url"
    return
  fi
  : >"$place/url"
  nohup "$@" >"$place/url" 2>"$place/log.txt" </dev/null &
  id=$!
  echo "$id" >"$place/pid"
  # Not background_running: a child of ours does not carry its program's name at once.
  until [ -s "$place/url" ] || ! kill -0 "$id" 2>/dev/null || [ "$SECONDS" -ge "$end" ]; do
    sleep 0.05
  done
  if [ ! -s "$place/url" ]; then
    background_stop "$place" "$program"
    tail -n 5 "$place/log.txt" >&2
    printf '%s: %s does not start; its whole log is %s\n' "$0" "$program" "$place/log.txt" >&2
    return 1
  fi
  cat "$place/url"
}

# background_stop PLACE PROGRAM: ends what background_start left there; nothing to do is fine.
background_stop() {
  local place=$1 program=$2 end=$((SECONDS + 10))
  if background_running "$place" "$program"; then
    kill "$(cat "$place/pid")" 2>/dev/null || true
    while background_running "$place" "$program" && [ "$SECONDS" -lt "$end" ]; do
      sleep 0.05
    done
    background_running "$place" "$program" && kill -KILL "$(cat "$place/pid")" 2>/dev/null
  fi
  rm -f "$place/pid" "$place/url"
}
