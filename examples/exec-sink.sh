#!/bin/sh
# Keep each key that embedctl delivers in a file of its own, readable by its owner alone.
#
#     embedctl create-user acme-42 --keys-to 'exec:examples/exec-sink.sh /srv/looker-keys'
#
# embedctl runs the command once for each question and puts one line of JSON on its standard input:
#
#     {"action":"probe"}                        could you keep a key?           0: yes, anything else: no
#     {"action":"store", ...,"client_secret":…} keep this key                   0: it is kept for good, anything else: it is not
#     {"action":"check", ..., no secret}        do you keep the key client_id?  0: yes, 1: no, anything else: cannot tell
#
# `store` and `check` also carry external_user_id, looker_user_id, base_url, key_id, client_id, purpose and created_at.
# When `store` does not exit with 0, embedctl revokes the key. What the command writes to its standard error is shown
# then, without the secret. `check` is asked after a crash; a command that cannot tell makes embedctl mint a new key.
set -eu
umask 077

folder=$1
input=$(cat)

# The value of a field whose text needs no escapes, as ids have.
field() {
    printf '%s\n' "$input" | sed -n "s/.*\"$1\":\"\([A-Za-z0-9._-]*\)\".*/\1/p"
}

file=$folder/$(field client_id).json

case $(field action) in
    probe)
        test -d "$folder" && test -w "$folder" || {
            echo "$folder is not a folder that can be written to" >&2
            exit 2
        }
        ;;
    store)
        printf '%s\n' "$input" | sed 's/"action":"store",//' >"$file.partial"
        sync "$file.partial"
        mv "$file.partial" "$file"
        sync "$folder"
        ;;
    check)
        test -e "$file" || exit 1
        ;;
    *)
        echo "unknown action" >&2
        exit 64
        ;;
esac
