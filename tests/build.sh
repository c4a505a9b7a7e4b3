# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the scripts of this folder that build share.  To be sourced, in the top folder of the source.
top=$PWD

# What any checkout has compiled is not compiled again: sources have the same relative names in each (see
# configured).
export CCACHE_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/xldump-lab/ccache CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G
PATH=/usr/lib/ccache:$PATH

# build_folder WHAT: where this tree is built for that purpose; there can be several trees.
build_folder() {
	echo "${XDG_CACHE_HOME:-$HOME/.cache}/xldump-lab/$1/$(printf %s "$top" | sha256sum | cut -c1-12)"
}

packages=(ccache gcc libc6-dev make autoconf automake libtool pkg-config libxen-dev libelf-dev libjson-c-dev
	uuid-dev libsystemd-dev libxxhash-dev zlib1g-dev libdeflate-dev liblzo2-dev libsnappy-dev libzstd-dev libcmocka-dev xz-utils git
	ca-certificates bash-completion mandoc)

# apt_install PACKAGE...: installs them, one caller at a time; the lab (labkit/host.py) takes that lock, too.
apt_install() {
	local locks=${XDG_CACHE_HOME:-$HOME/.cache}/xldump-lab/locks
	mkdir -p "$locks" && flock "$locks/host-packages" sh -c 'apt-get update &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"' apt "$@"
}

# install_packages LOG [PACKAGE...]: what the build needs, and these.
install_packages() {
	local log=$1
	shift
	dpkg -s "${packages[@]}" "$@" > /dev/null 2>&1 && return
	echo "installing packages"
	apt_install "${packages[@]}" "$@" > "$log" 2>&1 || {
		tail -n 20 "$log"
		echo "$0: cannot install what the build needs (needs root and a Debian mirror)" >&2
		exit 1
	}
}

# configured DIR OPTION...: enters a build folder, which is made anew when configure has changed.
configured() {
	local dir=$1
	shift
	if [ ! -x "$top/configure" ] || [ "$top/configure" -ot "$top/configure.ac" ]; then
		autoreconf -fi
	fi
	mkdir -p "$dir" && cd "$dir" || return 1
	[ -f Makefile ] && [ Makefile -nt "$top/configure" ] && return
	ln -sfn "$top" source && source/configure --enable-compiler-warnings=error "$@"
}
