"""The file system that jobs of one zygote see: the system and Python read-only, nothing else."""

from __future__ import annotations

import os
from typing import Any, Final

from .syscalls import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    make_read_only,
    mount,
    pivot_root,
    unmount,
)

_STAGE: Final = "/tmp"
_NEW: Final = "/new"
_OLD: Final = "/old"
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "shm": "/tmp",
}
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES: Final = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/certs")
_FILES: Final = {
    "/etc/passwd": "root:x:0:0::/:/usr/sbin/nologin\njob:x:1000:1000::/tmp/job:/bin/sh\n",
    "/etc/group": "root:x:0:\njob:x:1000:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
WRITABLE: Final = "/tmp"
JOB_DIRECTORY: Final = "/tmp/job"
_SIZE_BYTES_FIRST: Final = 64 * 1024


# What our own code needs to find the hosts of the network, where it stays in that.
_NAMES: Final = ("/etc/hosts", "/etc/resolv.conf")


def enter(plan: dict[str, Any]) -> None:
    """Make a root of the system's directories and the plan's, and leave the old one for good.

    The caller is in a mount namespace of its own, and may mount. The host's `/proc` stays
    mounted until `mount_proc` covers it: the kernel allows a new one only where an old one is
    in full view.
    """
    files = _FILES | _names() if plan["network"] else _FILES
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tidemill", _STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755")
    os.chdir(_STAGE)
    os.mkdir("new", 0o755)
    os.mkdir("old", 0o755)
    pivot_root(".", "old")
    os.chdir("/")
    mount(_NEW, _NEW, None, MS_BIND)
    for path in _SYSTEM:
        _add_system(path)
    for path in _SYSTEM_FILES:
        _bind_read_only(path, path)
    for path, seen_at in plan["read_only"]:
        _bind_read_only(path, seen_at)
    for path, seen_at in plan["writable"]:
        _bind_writable(path, seen_at)
    _make_devices()
    for path, text in files.items():
        _write(_NEW + path, text)
    for path in ("/proc", WRITABLE):
        os.makedirs(_NEW + path, 0o755, exist_ok=True)
    mount(f"{_OLD}/proc", f"{_NEW}/proc", None, MS_BIND | MS_REC)
    os.chdir(_NEW)
    pivot_root(".", ".")
    unmount(".")
    os.chdir("/")


def seal() -> None:
    """Make the root itself read-only; what is mounted below keeps its own mode."""
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def mount_proc() -> None:
    """Show the processes of this process namespace only."""
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def mount_writable() -> None:
    """Give the job its only writable place, too small for it until `resize_writable`."""
    options = f"size={_SIZE_BYTES_FIRST},mode=0700"
    mount("job", WRITABLE, "tmpfs", MS_NOSUID | MS_NODEV, options)


def resize_writable(size_bytes: int, files_max: int) -> None:
    """Let the writable place hold at most `size_bytes` and `files_max` files."""
    options = f"size={size_bytes},nr_inodes={files_max}"
    mount(None, WRITABLE, None, MS_REMOUNT | MS_NOSUID | MS_NODEV, options)


def _add_system(path: str) -> None:
    if os.path.islink(_OLD + path):
        os.symlink(os.readlink(_OLD + path), _NEW + path)
    else:
        _bind_read_only(path, path)


def _bind_read_only(path: str, seen_at: str) -> None:
    source, target = _OLD + path, _NEW + seen_at
    if not os.path.exists(source) or os.path.lexists(target):
        return
    if os.path.isdir(source):
        os.makedirs(target, 0o755)
    else:
        _write(target, "")
    mount(source, target, None, MS_BIND | MS_REC)
    make_read_only(target)


def _bind_writable(path: str, seen_at: str) -> None:
    target = _NEW + seen_at
    os.makedirs(target, 0o755)
    mount(_OLD + path, target, None, MS_BIND)
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _names() -> dict[str, str]:
    found = {"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n"}
    for path in _NAMES:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                found[path] = file.read()
        except OSError:
            continue
    return found


def _make_devices() -> None:
    os.mkdir(f"{_NEW}/dev", 0o755)
    for name in _DEVICES:
        target = f"{_NEW}/dev/{name}"
        _write(target, "")
        mount(f"{_OLD}/dev/{name}", target, None, MS_BIND)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"{_NEW}/dev/{name}")


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
