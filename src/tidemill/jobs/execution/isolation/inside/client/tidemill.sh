# What a script in bash may ask of the server that runs it. Read by BASH_ENV before the script.

# tidemill_log LEVEL text…: a line with its time and level.
tidemill_log() {
    local level="$1" now="${EPOCHREALTIME:-$(printf '%(%s)T.000000' -1)}"
    # The Z says UTC, whatever zone the machine or the script is in.
    local -x TZ=UTC0
    shift
    printf '%(%Y-%m-%dT%H:%M:%S)T.%sZ %s %s\n' "${now%[.,]*}" "${now: -6:3}" "$level" "$*" >&2
}

# tidemill_progress PERCENT [TEXT]: say how far the job is.
tidemill_progress() {
    local text="${2:-}"
    text="${text//\\/\\\\}"
    text="${text//\"/\\\"}"
    _tidemill_ask PUT "/jobs/$TIDEMILL_JOB_ID/progress" "{\"percent\":$1,\"text\":\"$text\"}" \
        > /dev/null
}

# tidemill_metric NAME NUMBER: give a figure of the job.
tidemill_metric() {
    _tidemill_ask PUT "/jobs/$TIDEMILL_JOB_ID/metrics" "{\"values\":{\"$1\":$2}}" > /dev/null
}

# tidemill_get_state: print what an earlier run of this script has kept, as JSON.
tidemill_get_state() {
    _tidemill_ask GET "/script-states?path=$TIDEMILL_SCRIPT_PATH"
}

# tidemill_set_state JSON: keep a value for the next run of this script.
tidemill_set_state() {
    _tidemill_ask PUT "/script-states?path=$TIDEMILL_SCRIPT_PATH" "{\"value\":$1}" > /dev/null
}

# One request over bash's own connection, since curl may not be there.
_tidemill_ask() {
    local method="$1" path="/api/v1$2" body="${3:-}" host port status line LC_ALL=C
    host="${TIDEMILL_URL#http://}"
    host="${host%%/*}"
    port="${host##*:}"
    [ "$port" = "$host" ] && port=80
    exec 9<> "/dev/tcp/${host%%:*}/$port" || return 1
    printf '%s %s HTTP/1.1\r\nhost: %s\r\nauthorization: Bearer %s\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s' \
        "$method" "$path" "$host" "$TIDEMILL_TOKEN" "${#body}" "$body" >&9
    read -r _ status _ <&9
    while IFS= read -r line <&9 && [ "$line" != $'\r' ]; do :; done
    cat <&9
    exec 9>&-
    [ "${status:-500}" -lt 400 ]
}
