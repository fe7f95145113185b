#!/bin/sh
# Copies an archive's truth to another disk: backup.sh ARCHIVE COPY
# Crawls may go on meanwhile. Run it as often as you like; only what is new is copied, and nothing
# is deleted in the copy but what was open there and has been copied closed since.
set -eu
from=$1
to=$2
mkdir -p "$to"
# What lists files comes before the files: then everything that the copy lists is in it.
for name in manifest.jsonl signatures.jsonl journal.jsonl sites donated warc; do
    if [ -e "$from/$name" ]; then cp -a -u "$from/$name" "$to/"; fi
done
find "$to/warc" -name '*.warc.gz.open' | while read -r open; do
    if [ -e "${open%.open}" ]; then rm "$open"; fi
done
sync
