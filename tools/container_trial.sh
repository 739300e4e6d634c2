#!/usr/bin/env bash
# Build the image with podman and try it: alone, then as docker-compose.yml deploys it.
#
#   tools/container_trial.sh [service|gpu]     the Dockerfile's target, `service` by default
#
# Needs root, Debian 12 or newer and `make setup`; installs the Debian packages that are missing.
# Images stay in /var/cache/unseen-container-trial for the next run, apart from any others. The
# containers run in a network namespace of their own: they take no port and reach no other machine.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-service} image=unseen-${1:-service}
storage=/var/cache/unseen-container-trial runtime=/run/unseen-container-trial
bin=$PWD/.venv/bin photo=docs/screenshots/start.png

fail() { echo "container trial: $*" >&2 && exit 1; }
report() { echo "-- $*"; }
start_clock() { started=$(date +%s%N); }
elapsed() { awk -v ns=$(($(date +%s%N) - started)) 'BEGIN { printf "%.1f s", ns / 1e9 }'; }
podman() { command podman "$@" 2>>"$work/log"; }

wait_for() { # wait_for WHAT COMMAND...: repeat the command until it succeeds
  local end=$((SECONDS + 120))
  until "${@:2}" &>>"$work/log"; do
    ((SECONDS < end)) || fail "waited two minutes for $1"
    sleep 0.2
  done
}

expect() { # expect OUTPUT COMMAND...
  local output
  output=$("${@:2}")
  [[ $output == "$1" ]] || fail "'${*:2}' printed '$output' instead of '$1'"
}

prepare() {
  [[ -x $bin/unseen ]] || fail "run 'make setup' first: there is no $bin/unseen"
  local packages=(podman runc netavark aardvark-dns podman-compose debootstrap iptables iproute2
    ca-certificates curl jq openssl)
  if ! dpkg -s "${packages[@]}" &>>"$work/log"; then
    report "installing what is missing of Debian's ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${packages[@]}" \
      >>"$work/log"
  fi
  # Settings that work with either version of cgroups, and without systemd.
  cat >"$CONTAINERS_CONF" <<'END'
containers = {default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"], http_proxy = false}
engine = {cgroup_manager = "cgroupfs", events_logger = "file", runtime = "runc"}
network = {network_backend = "netavark"}
END
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    "$storage" "$runtime" >"$CONTAINERS_STORAGE_CONF"
}

# base_image NAME RELEASE PACKAGES IMPORT-OPTION...: pull a base image. Where no registry can be
# reached, as on a machine that has only Debian's mirrors, make a stand-in from Debian packages.
base_image() {
  podman image exists "$1" || podman pull -q "$1" >>"$work/log" && return
  report "$1 cannot be pulled: making a stand-in from Debian $2"
  local root=$work/$2
  if [[ ! -d $root ]]; then
    debootstrap --variant=minbase ${3:+--include="$3"} "$2" "$root" >>"$work/log"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
    echo 'APT::Keep-Downloaded-Packages "false"; Dir::Cache { pkgcache ""; srcpkgcache ""; };' \
      >"$root/etc/apt/apt.conf.d/small"
    if [[ $3 ]]; then # as in the official image, whoever has this number
      chroot "$root" sh -c 'name=$(getent passwd 999 | cut -d: -f1); [ -z "$name" ] || usermod -u 9999 "$name"'
      chroot "$root" usermod -u 999 postgres
    fi
    # What docker-compose.yml uses of the official PostgreSQL image's entrypoint.
    install -m 755 /dev/stdin "$root/usr/local/bin/postgres-entrypoint" <<'END'
#!/bin/bash -e
export PGDATA=/var/lib/postgresql/data
as_postgres() { runuser -u postgres -- "$@"; }
cd "$PGDATA" && chown postgres .
install -d -o postgres /var/run/postgresql
if [[ ! -e PG_VERSION ]]; then
  install -o postgres -m 400 "$POSTGRES_PASSWORD_FILE" /tmp/password
  as_postgres initdb -U "$POSTGRES_USER" --pwfile=/tmp/password $POSTGRES_INITDB_ARGS
  echo "host all all all scram-sha-256" >>pg_hba.conf
  as_postgres pg_ctl start -w -o "-c listen_addresses=''"
  as_postgres createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*.sh; do as_postgres sh "$script"; done
  as_postgres pg_ctl stop -w
fi
exec runuser -u postgres -- "$@" -c "listen_addresses=*"
END
  fi
  tar -C "$root" -c . | podman import -q "${@:4}" - "$1" >>"$work/log"
}

build() {
  local path=/usr/local/bin:/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/sbin:/bin
  base_image docker.io/library/debian:bookworm-slim bookworm ""
  local deployed=postgresql-17,nginx-light,caddy
  base_image docker.io/library/postgres:17 trixie "$deployed" -c "ENV PATH=$path" \
    -c 'ENV LANG=C.UTF-8' -c 'ENTRYPOINT ["postgres-entrypoint"]'
  base_image docker.io/nginxinc/nginx-unprivileged:1.28 trixie "$deployed" -c 'USER 101' \
    -c 'CMD ["nginx", "-g", "daemon off;"]'
  base_image docker.io/library/caddy:2 trixie "$deployed" -c 'ENV XDG_DATA_HOME=/data' \
    -c 'CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]'
  mkdir "$work/mnt" # certificates and package index of this machine, for pip in the build
  cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$work/mnt/ca.crt"
  printf '[global]\ncert = /mnt/ca.crt\n%s\n' "${PIP_INDEX_URL:+index-url = $PIP_INDEX_URL}" \
    >"$work/pip.conf"
  start_clock
  # In Docker's format, because OCI's has no HEALTHCHECK.
  podman build --format docker --isolation chroot --network host --http-proxy --target "$target" \
    -v "$work/mnt:/mnt:ro" -v "$work/pip.conf:/etc/pip.conf:ro" -t "$image" . >>"$work/log"
  report "built $image in $(elapsed)," \
    "$(podman image inspect -f '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
}

matches() { # matches NUMBER: the photo has so many hits
  [[ $("$bin/unseen" match --json "$photo" | jq '.queries[0].hits | length') == "$1" ]]
}

story() { # story SERVER CONTAINER: issue a key; submit an image, find it, withdraw it
  local -x UNSEEN_SERVER=$1 UNSEEN_KEY UNSEEN_PIN
  local case
  UNSEEN_KEY=$(podman exec "$2" unseen-service keys issue Example --scope match)
  case=$("$bin/unseen" submit --json --adult --depicted --without-consent "$photo")
  UNSEEN_PIN=$(jq -r .pin <<<"$case")
  rm -- "$(jq -r .kept <<<"$case")"
  wait_for "a match" matches 1
  "$bin/unseen" withdraw --yes "$(jq -r .case <<<"$case")" >>"$work/log"
  matches 0 || fail "a withdrawn image is still matched"
  podman exec "$2" unseen-service audit verify >>"$work/log"
  report "an image was submitted, matched and withdrawn at $1"
}

stop() { # stop CONTAINER: SIGTERM ends it with exit status 0
  start_clock
  podman stop -t 30 "$1" >>"$work/log"
  expect 0 podman inspect -f '{{.State.ExitCode}}' "$1"
  report "$1 stopped with exit status 0 after $(elapsed)"
}

alone() { # as `docker run` starts it, with the embedded PostgreSQL and no rights
  start_clock
  podman run -d --name alone --network host --read-only --tmpfs /tmp --cap-drop all \
    --security-opt no-new-privileges "$image" >>"$work/log"
  wait_for /readyz curl -fsS http://127.0.0.1:8000/readyz
  report "alone: ready $(elapsed) after the start"
  wait_for "the health check" podman healthcheck run alone
  # shellcheck disable=SC2016
  expect "10001 CapEff: 0000000000000000" podman exec alone \
    sh -c 'echo $(id -u) $(grep CapEff /proc/self/status)'
  story http://127.0.0.1:8000 alone
  expect "" podman exec alone find /data -name '*.nbc' # the image has all kernels compiled
  stop alone
}

compose() { (cd "$work/unseen" && podman-compose "$@") &>>"$work/log"; }

composed() { # as docs/operate.md says; podman-compose does not wait for depends_on, so wait here
  local secrets=$work/unseen/secrets
  export UNSEEN_DOMAIN=localhost SSL_CERT_FILE=$work/root.crt
  mkdir "$work/unseen"
  cp -r docker-compose.yml deploy "$work/unseen"
  (cd "$work/unseen" && deploy/make-secrets)
  start_clock
  compose up -d --no-build postgres
  wait_for PostgreSQL podman healthcheck run unseen_postgres_1
  compose up -d --no-build migrate
  expect 0 podman wait unseen_migrate_1
  compose up -d --no-build service
  wait_for "the service" podman exec unseen_service_1 python -c \
    'import urllib.request as u; u.urlopen("http://127.0.0.1:8000/readyz")'
  report "compose: PostgreSQL, migration and service are ready after $(elapsed)"
  ! podman inspect unseen_service_1 | grep -f "$secrets/unseen_login_password" ||
    fail "the password is in the container's environment or command line"
  compose up -d --no-build limits caddy
  wait_for "Caddy's certificate" podman cp \
    unseen_caddy_1:/data/caddy/pki/authorities/local/root.crt "$SSL_CERT_FILE"
  story https://localhost unseen_service_1
  expect 404 curl -sS -o /dev/null -w '%{http_code}' --cacert "$SSL_CERT_FILE" \
    https://localhost/metrics
  stop unseen_service_1
}

leave() { # leave STATUS
  (($1 == 0)) || tail -n 20 "$work/log" >&2
  umount "$storage/overlay" 2>/dev/null || true
  rm -rf "$work" "$runtime"
}

if (($# < 2)); then
  [[ $EUID == 0 ]] || fail "run it as root: it makes root file systems and network namespaces"
  exec 9>"$storage.lock"
  flock -n 9 || fail "another trial is running"
  work=$(mktemp -d /var/tmp/unseen-container-trial.XXXXXX)
else
  work=$2
fi
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
if (($# < 2)); then
  trap 'leave $?' EXIT
  prepare
  build
  unshare --net tools/container_trial.sh "$target" "$work"
else # the same script again, in a network namespace
  [[ -f $CONTAINERS_STORAGE_CONF ]] || fail "there is no trial in $work"
  trap '{ podman rm -fat 1; podman volume rm -fa; podman network prune -f; } >>"$work/log"' EXIT
  ip link set lo up
  alone
  [[ $target != service ]] || composed
fi
