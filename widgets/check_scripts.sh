#!/bin/sh
# Check the page's scripts: types, style, tests of the drawing. Without npm, or without a network to
# fetch the tools by, it says so and succeeds; what fails is a finding, a tool that does not run, or
# a download that is not what package-lock.json names.
set -eu
cd "$(dirname "$0")"

if ! command -v npm >/dev/null; then
  echo "The page's scripts are not checked: there is no npm. The page itself needs none."
  exit 0
fi
installed=node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; then
  said=$(npm ci --no-audit --no-fund --loglevel error \
    --fetch-retries 2 --fetch-retry-mintimeout 500 --fetch-retry-maxtimeout 2000 2>&1) || {
    echo "$said" >&2
    if ! echo "$said" | grep -q EINTEGRITY; then
      echo "The page's scripts are not checked: npm could not fetch the tools."
      exit 0
    fi
    exit 1
  }
  touch "$installed"
fi
npm run --silent check
