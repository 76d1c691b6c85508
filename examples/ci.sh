#!/bin/sh
# Run a command against a Looker of its own, in any CI that has a shell: no licence, no container, no fixed port.
#
#     examples/ci.sh pytest examples/pytest
#     examples/ci.sh embedctl create-user acme-42 --keys-to file:keys.jsonl
set -eu

folder=$(mktemp -d)
"${EMBEDCTL:-embedctl}" emulator --output env > "$folder/looker.env" &
looker=$!
trap 'kill "$looker" 2> /dev/null; wait "$looker"; rm -r "$folder"' EXIT

# The last line is there once it listens.
until grep -qs ^EMBEDCTL_EMBED_ALGORITHM= "$folder/looker.env"; do
    kill -0 "$looker"
    sleep 0.1
done

set -a
. "$folder/looker.env"
set +a
"$@"
