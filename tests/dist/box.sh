#!/bin/bash
# box.sh COMMAND...: runs a command as on another machine. It has no network, neither home nor checkout
# of the user who built the wheel, another toolchain folder, and another user.
#
# BOX       folder of the trial: venv, tests, work, home (of the other user)
# HIDE      folders to hide, separated by colons
# CARGO     cargo's folder, whose registry the box may read: crates that cargo has downloaded before
# TOOLCHAIN the toolchain's folder, empty for that of the wheels; SITE Python packages of the tests; PYTHON the folder of Python
# BARE=1    also hides the C compiler and rust-src, and leaves the toolchain to rustup's folder
#
# Cargo fails, and its calls are listed in $BOX/log/cargo, until $BOX/log/allowed exists.
set -e
exec unshare -n -m bash -e -c '
  ip link set lo up 2>/dev/null || true
  rust=$BOX/rust
  [ -n "$BARE" ] && rust=$BOX/home/.rustup/toolchains/another-name
  mkdir -p "$BOX/home/.rustup/toolchains" "$BOX/site" "$BOX/python" "$BOX/log"
  mount --bind "$SITE" "$BOX/site"
  mount --bind "$PYTHON" "$BOX/python"
  if [ -n "$TOOLCHAIN" ]; then
    mkdir -p "$rust"
    mount --bind "$TOOLCHAIN" "$rust"
  else
    rust=$BOX/venv/share/candlebook-dist/rust
  fi
  cp "$rust/bin/cargo" "$BOX/real-cargo"
  printf "#!/bin/sh
[ -e $BOX/log/allowed ] && exec $BOX/real-cargo \"\$@\"
echo \"\$@\" >> $BOX/log/cargo
exit 1
" > "$BOX/cargo"
  chmod 755 "$BOX/cargo"
  mount --bind "$BOX/cargo" "$rust/bin/cargo"
  for part in index cache; do
    mkdir -p "$BOX/home/.cargo/registry/$part"
    mount --bind "$CARGO/registry/$part" "$BOX/home/.cargo/registry/$part"
  done
  chown 1234:1234 "$BOX/home/.cargo" "$BOX/home/.cargo/registry"
  if [ -n "$BARE" ]; then
    [ -d "$rust/lib/rustlib/src" ] && mount -t tmpfs tmpfs "$rust/lib/rustlib/src"
    for name in cc gcc c++ g++ clang ld ld.bfd ld.gold ld.lld; do
      program=$(readlink -f "$(command -v $name)" || true)
      [ -f "$program" ] && mount --bind /dev/null "$program"
    done
    [ -d /usr/lib/gcc ] && mount -t tmpfs tmpfs /usr/lib/gcc
    for file in crt1.o crti.o crtn.o libc.so libm.so; do
      path=/usr/lib/x86_64-linux-gnu/$file
      [ -e "$path" ] && mount --bind /dev/null "$path"
    done
    path=/usr/bin:/bin
  else
    path=$rust/bin:/usr/bin:/bin
  fi
  IFS=:
  for folder in $HIDE; do
    mount -t tmpfs tmpfs "$folder"
    chmod 755 "$folder"
  done
  unset IFS
  # Python itself stays at its place, also in a hidden folder.
  mkdir -p "$PYTHON"
  mount --bind "$BOX/python" "$PYTHON"
  chown 1234:1234 "$BOX/home" "$BOX/log"
  [ -n "$BARE" ] && chown 1234:1234 "$BOX/home/.rustup" "$BOX/home/.rustup/toolchains"
  cd "$BOX/home"
  exec setpriv --reuid=1234 --regid=1234 --clear-groups env -i HOME="$BOX/home" PATH="$path" \
    LANG=C.UTF-8 PYTHONPATH="$BOX/site" PYTHONDONTWRITEBYTECODE=1 BOX="$BOX" BARE="$BARE" CANDLEBOOK_OFFLINE=1 "$@"
' box "$@"
