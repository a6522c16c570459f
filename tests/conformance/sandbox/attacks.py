"""What a hostile script would try. Each attack is the source of a job and returns what it got."""

from __future__ import annotations

from typing import Final

_TRY: Final = """
import ctypes, errno, json, os, socket, sys, time

libc = ctypes.CDLL(None, use_errno=True)

def attempt(action, *args):
    try:
        return {"got": action(*args)}
    except OSError as error:
        return {"error": errno.errorcode.get(error.errno, str(error))}

def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), "syscall")
    return result
"""

_READ_FILES = """
def read(path):
    with open(path, "rb") as file:
        return file.read(200).decode(errors="replace")

def main(paths, **_):
    return {path: attempt(read, path) for path in paths}
"""

_WRITE_FILES = """
def write(path):
    with open(path, "w") as file:
        file.write("0")
    return "written"

def main(prefix, outside, **_):
    paths = ["/intruder", "/usr/intruder", "/etc/passwd", "/dev/intruder", prefix + "/intruder",
             "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", outside + "/intruder"]
    return {path: attempt(write, path) for path in paths}
"""

_ENVIRONMENT = """
def main(secret, **_):
    seen = [name for name, value in os.environ.items() if secret in value]
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            for file in ("environ", "cmdline"):
                try:
                    with open(f"/proc/{pid}/{file}", "rb") as opened:
                        if secret.encode() in opened.read():
                            seen.append(f"{pid}/{file}")
                except OSError:
                    pass
    return {"seen": seen, "names": sorted(os.environ)}
"""

_CLIMB = """
def main(**_):
    status = open("/proc/self/status").read()
    return {
        "root": attempt(os.setuid, 0),
        "group": attempt(os.setgid, 0),
        "status": {line.split(":")[0]: line.split(":")[1].strip()
                   for line in status.splitlines()
                   if line.startswith(("CapEff", "CapBnd", "NoNewPrivs", "Seccomp:"))},
        "su": os.waitstatus_to_exitcode(os.system("su -c id >/dev/null 2>&1")),
    }
"""

_NETWORK = """
def tcp(host, port):
    with socket.create_connection((host, port), timeout=2):
        return "connected"

def unix(path):
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(2)
        plug.connect(path)
        return "connected"

def plain(family, kind):
    with socket.socket(family, kind):
        return "made"

def udp(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.settimeout(0.5)
        plug.connect(("127.0.0.1", port))
        plug.send(b"ping")
        return plug.recv(10).decode()

def main(port, addresses, abstract, unix_socket, udp_port, **_):
    return {
        **{host: attempt(tcp, host, port) for host in addresses},
        "abstract": attempt(unix, "\\0" + abstract),
        "worker socket": attempt(unix, unix_socket),
        "udp": attempt(udp, udp_port),
        "dns": attempt(socket.getaddrinfo, "example.com", 80),
        "raw": attempt(plain, socket.AF_INET, socket.SOCK_RAW),
        "packet": attempt(plain, 17, socket.SOCK_RAW),
        "netlink": attempt(plain, 16, socket.SOCK_RAW),
        "vsock": attempt(plain, 40, socket.SOCK_STREAM),
        "alg": attempt(plain, 38, socket.SOCK_SEQPACKET),
    }
"""

_SEE_PROCESSES = """
def main(**_):
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
"""

_FORK_BOMB = """
def main(**_):
    children, problem = 0, None
    try:
        while children < 500:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            children += 1
    except OSError as error:
        problem = errno.errorcode[error.errno]
    return {"children": children, "problem": problem}
"""

_OUTLIVE = """
def main(canary, **_):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import signal
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.execv("/bin/sh", ["sh", "-c", "sleep 61; # " + canary])
        os._exit(0)
    os.wait()
    time.sleep(0.1)
    return "left one behind"
"""

_MEMORY = """
def main(**_):
    kept = []
    while True:
        kept.append(bytearray(16 * 1024 * 1024))
        if len(kept) > 640:
            return "took 10 GiB"
"""

_MEMORY_OF_TREE = """
def main(memory_bytes_max, **_):
    share = memory_bytes_max // 4
    for _ in range(12):
        if os.fork() == 0:
            kept = bytearray(b"x") * share
            time.sleep(30)
            os._exit(0)
    time.sleep(20)
    return "kept three times the limit"
"""

_MEMORY_UNMAPPED = """
def main(memory_bytes_max, **_):
    files, block = [], b"x" * (16 * 1024 * 1024)
    for _ in range(3 * memory_bytes_max // len(block)):
        file = os.memfd_create("hidden")
        os.write(file, block)
        files.append(file)
    return "kept three times the limit"
"""

_DISK = """
def main(disk_bytes_max, **_):
    block, written, problem = b"x" * (1024 * 1024), 0, None
    try:
        for number in range(4):
            with open(f"file-{number}", "wb") as file:
                for _ in range(disk_bytes_max // len(block)):
                    written += file.write(block)
                    file.flush()
    except OSError as error:
        problem = errno.errorcode[error.errno]
    return {"written": written, "problem": problem}
"""

_MANY_FILES = """
def main(files_max, **_):
    made = 0
    try:
        while made < files_max:
            os.close(os.open(f"f{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError as error:
        return {"made": made, "problem": errno.errorcode[error.errno]}
    return {"made": made, "problem": None}
"""

_SIGNALS = """
def main(pids, **_):
    targets = [1, os.getppid(), *pids]
    return {str(pid): attempt(os.kill, pid, 9 if pid in pids else 15) for pid in targets}
"""

_TRACE = """
def main(pids, **_):
    targets = [1, os.getppid(), *pids]
    return {
        **{f"ptrace {pid}": attempt(call, 101, 16, pid, None, None) for pid in targets},
        **{f"mem {pid}": attempt(open, f"/proc/{pid}/mem", "rb") for pid in targets},
        "process_vm_readv": attempt(call, 310, pids[0], None, 0, None, 0, 0),
    }
"""

_SYSTEM_CALLS = """
def ioctl_injection():
    import fcntl
    return fcntl.ioctl(0, 0x5412, b"x")

def main(**_):
    zero, minus = ctypes.c_long(0), ctypes.c_long(-1)
    buffer = ctypes.create_string_buffer(256)
    return {
        "unshare user": attempt(call, 272, ctypes.c_long(0x10000000)),
        "unshare network": attempt(call, 272, ctypes.c_long(0x40000000)),
        "clone user": attempt(call, 56, ctypes.c_long(0x10000000 | 17), zero, zero, zero, zero),
        "setns": attempt(call, 308, zero, zero),
        "mount": attempt(call, 165, b"x", b"/tmp", b"tmpfs", zero, None),
        "umount": attempt(call, 166, b"/tmp", zero),
        "pivot_root": attempt(call, 155, b"/tmp", b"/tmp"),
        "chroot": attempt(os.chroot, "/tmp"),
        "open_tree": attempt(call, 428, ctypes.c_long(-100), b"/", zero),
        "keyctl": attempt(call, 250, zero, zero, zero, zero, zero),
        "add_key": attempt(call, 248, b"user", b"x", b"y", ctypes.c_long(1), ctypes.c_long(-3)),
        "bpf": attempt(call, 321, zero, buffer, ctypes.c_long(128)),
        "io_uring_setup": attempt(call, 425, ctypes.c_long(8), buffer),
        "userfaultfd": attempt(call, 323, zero),
        "perf_event_open": attempt(call, 298, buffer, zero, minus, minus, zero),
        "open_by_handle_at": attempt(call, 304, ctypes.c_long(-100), buffer, zero),
        "kexec_load": attempt(call, 246, zero, zero, None, zero),
        "init_module": attempt(call, 175, None, zero, b""),
        "sethostname": attempt(call, 170, b"x", ctypes.c_long(1)),
        "personality": attempt(call, 135, ctypes.c_long(0x0040000)),
        "TIOCSTI": attempt(ioctl_injection),
    }
"""

_FLOOD = """
def main(**_):
    for _ in range(3000):
        sys.stdout.write("x" * 10_000 + "\\n")
    return "done"
"""

_HANG = """
import signal
def main(**_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(60)
"""

ATTACKS: Final = {
    name: _TRY + source
    for name, source in {
        "read_files": _READ_FILES,
        "write_files": _WRITE_FILES,
        "environment": _ENVIRONMENT,
        "climb": _CLIMB,
        "network": _NETWORK,
        "see_processes": _SEE_PROCESSES,
        "fork_bomb": _FORK_BOMB,
        "outlive": _OUTLIVE,
        "memory": _MEMORY,
        "memory_of_tree": _MEMORY_OF_TREE,
        "memory_unmapped": _MEMORY_UNMAPPED,
        "disk": _DISK,
        "many_files": _MANY_FILES,
        "signals": _SIGNALS,
        "trace": _TRACE,
        "system_calls": _SYSTEM_CALLS,
        "flood": _FLOOD,
        "hang": _HANG,
    }.items()
}

_HOLD = """
def main(memory_bytes_max, **_):
    return len(bytearray(b"x") * (2 * memory_bytes_max)) > memory_bytes_max
"""

_END = """
def main(pids, **_):
    return attempt(os.kill, pids[0], 15)
"""

# Where nothing stands around a job: what shows that it gets through, and harms nobody else.
UNWALLED: Final = {
    **{
        name: ATTACKS[name]
        for name in ("read_files", "network", "see_processes", "disk", "outlive", "hang")
    },
    "hold": _TRY + _HOLD,
    "end": _TRY + _END,
}

VICTIM: Final = (
    _TRY
    + """
def main(canary, **_):
    os.environ["OF_THE_VICTIM"] = canary
    with open("secret-of-the-victim.txt", "w") as file:
        file.write(canary)
    print("ready", flush=True)
    time.sleep(120)
"""
)
