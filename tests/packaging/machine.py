"""A Debian with systemd as its process 1, in namespaces of its own: no virtual machine, no container engine, no link to any network.

    with Machine(root) as machine:          # root: a folder with a Debian in it, which stays as it is
        machine.run("systemctl", "start", "vnetprobe")

Root, an overlay file system and cgroup2 are needed; missing() says what is not there."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

# Becomes process 1. What is written goes into a tmpfs over the root. Not chroot: a process in one may make no user namespace.
BOOT = r"""
set -e
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 dev/tty c 5 0
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do ln -s "${link#*:}" "dev/${link%%:*}"; done
touch dev/console
mount --bind "$3" dev/console
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
: >etc/machine-id
ln -sf /dev/null etc/systemd/system/console-getty.service
ip link set lo up
mkdir -p .old
pivot_root . .old
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
  chroot . /bin/sh -c 'umount -l /.old && rmdir /.old && exec /lib/systemd/systemd --log-target=console --show-status=no --default-standard-output=journal' <dev/null
"""


def cgroup_folder():
    """Where cgroup2 is mounted, on its own or beside the older hierarchies."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(where)
    return None


def missing():
    """Why no machine can be booted here; empty where one can."""
    if os.geteuid() != 0:
        return "booting systemd in namespaces needs root"
    for tool in ("unshare", "nsenter", "pivot_root", "ip"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    if cgroup_folder() is None:
        return "cgroup2 is not mounted"
    if not os.access(cgroup_folder(), os.W_OK):
        return f"{cgroup_folder()} cannot be written"
    probe = subprocess.run(["unshare", "--mount", "--pid", "--net", "--cgroup", "--fork", "--kill-child", "sh", "-c",
                            'd=$(mktemp -d) && mount -t tmpfs tmpfs $d && mkdir $d/1 $d/2 $d/3 $d/4 && mount -t overlay overlay -o lowerdir=$d/1,upperdir=$d/2,workdir=$d/3 $d/4; '
                            's=$?; umount -l $d; rmdir $d; exit $s'], text=True, capture_output=True, check=False)
    return "" if probe.returncode == 0 else "namespaces with an overlay cannot be made: " + probe.stderr.strip()


class Machine:
    def __init__(self, root):
        self.root = root
        self.folder = self.cgroup = self.process = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vnetprobe-machine-"))
        (self.folder / "console").touch()
        (self.folder / "mounts").mkdir()
        self.cgroup = cgroup_folder() / self.folder.name
        self.cgroup.mkdir()
        join = f'echo $$ >{self.cgroup}/cgroup.procs && exec "$@"'
        self.process = subprocess.Popen(["sh", "-c", join, "sh", "unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child",
                                         "--propagation", "private", "sh", "-c", BOOT, "sh", self.root, self.folder / "mounts", self.folder / "console"],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            self.first = self.wait(self.first_process, "the first process did not start")
            self.wait(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), "systemd did not finish booting")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        for _ in range(100):
            folders = sorted(self.cgroup.rglob("*/"), reverse=True) if self.cgroup.exists() else []
            try:
                for folder in [*(f for f in folders if f.is_dir()), self.cgroup]:
                    folder.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:  # the kernel is still ending the processes of the namespace
                time.sleep(0.1)
        shutil.rmtree(self.folder)

    def wait(self, ready, otherwise, limit=120):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            value = ready()
            if value:
                return value
            if self.process.poll() is not None:
                raise RuntimeError(f"{otherwise}: {self.process.stderr.read().decode()}")
            time.sleep(0.1)
        raise TimeoutError(f"{otherwise}; console:\n{self.console()[-4000:]}")

    def console(self):
        return (self.folder / "console").read_text(errors="replace")

    def first_process(self):
        """systemd, once it has taken the place of the shell that made its world."""
        try:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            return next((int(child) for child in children if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd"), None)
        except FileNotFoundError:
            return None

    def run(self, *words, check=True, stdin="", timeout=120):
        done = subprocess.run(["nsenter", "-t", str(self.first), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--", "env", "-i",
                               "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *map(str, words)],
                              text=True, capture_output=True, check=False, input=stdin, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def copy_in(self, source, path):
        data = pathlib.Path(source).read_bytes()
        subprocess.run(["nsenter", "-t", str(self.first), "--mount", "--", "sh", "-c", f'cat >"{path}"'], input=data, check=True)

    def signal(self, name):
        os.kill(self.first, getattr(signal, name))
