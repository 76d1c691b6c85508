#!/bin/bash
# Install the embedctl of the archive at URL, if its checksum is SHA256, for the steps that follow in this job.
set -euo pipefail
archive=$RUNNER_TEMP/embedctl.tar.gz
folder=$RUNNER_TEMP/embedctl
curl --fail --silent --show-error --location --retry 3 --output "$archive" "$URL"
if ! sha256sum --check --status <<<"$SHA256  $archive"; then
    echo "::error::$URL is not the archive whose checksum is $SHA256"
    exit 1
fi
mkdir -p "$folder"
tar --extract --gzip --file "$archive" --directory "$folder" --strip-components 1
echo "$folder/bin" >>"$GITHUB_PATH"
"$folder/bin/embedctl" --version
