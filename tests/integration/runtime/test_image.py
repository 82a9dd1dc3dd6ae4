"""The program file: found without /proc, refused when cut or altered, the same on every target."""

import os
import shutil
import subprocess
import unittest

from demo import TestCase, demo, launcher, run, target_of_this_machine


def enter(folder):
    """Runs in the child before the program: `folder` becomes the whole file system."""

    def change_root():
        os.chroot(folder)
        os.chdir("/")

    return change_root


class Image(TestCase):
    def copy(self, data=None, name="prog"):
        path = self.folder / name
        path.write_bytes(demo().read_bytes() if data is None else data)
        path.chmod(0o755)
        return path

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_empty_chroot(self):
        self.copy()
        done = subprocess.run(
            ["/prog", "-p", "hi", "-t", "2"], capture_output=True, text=True, preexec_fn=enter(self.folder), timeout=60
        )
        self.assertEqual((done.returncode, done.stdout), (0, "hello there.\n"), done.stderr)

    def test_found_by_relative_path_and_by_search_path(self):
        self.copy()
        for command, options in (
            (["./prog"], {"cwd": self.folder}),
            (["prog"], {"env": {"PATH": f"/nowhere:{self.folder}"}}),
            (["something-else"], {"executable": self.folder / "prog"}),  # argv[0] that lies
        ):
            done = subprocess.run([*command, "-p", "hi", "-q"], capture_output=True, text=True, timeout=60, **options)
            self.assertEqual((done.returncode, done.stdout), (0, "hello there.\n"), done.stderr)

    def test_cut_short(self):
        data = demo().read_bytes()
        for missing in (1, 100, 6000, 12000):
            prog = self.copy(data[:-missing])
            message = f"program file was cut short: .* has {len(data) - missing} bytes, expected {len(data)}"
            self.fail_with(3, message, "-p", "hi", program=prog)

    def test_never_filled_in(self):
        linked = demo().with_name(demo().name + ".linked")
        self.fail_with(3, "holds no compiled model", "info", program=linked)

    def test_altered_data(self):
        data = bytearray(demo().read_bytes())
        data[-1] ^= 1
        prog = self.copy(bytes(data))
        self.assertEqual(run("info", program=prog).returncode, 0)
        self.assertEqual(run("info", "--verify", program=prog).returncode, 3)

    def test_damaged_tokenizer(self):
        data = bytearray(demo().read_bytes())
        at = data.rindex(b"GMTK")
        data[at + 4] ^= 1  # the size of its vocabulary
        self.fail_with(3, "tokenizer table is damaged", "-p", "hi", program=self.copy(bytes(data)))

    def test_unreadable(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        prog = self.copy()
        prog.chmod(0o111)
        self.fail_with(4, "cannot find the program's own file", "info", program=prog)


class OtherTargets(TestCase):
    def targets(self):
        for target in ("x86_64-linux", "aarch64-linux"):
            launch = launcher(target)
            if launch is None:
                self.skipTest(f"this machine cannot run {target}")
            yield target, launch

    def test_same_tokens_on_every_target(self):
        prompt = "a prompt of more than one chunk " * 3 + "L"
        options = ["--ids", "-n", "40", "--temperature", "2", "--seed", "9", "-t", "3", "-q"]
        results = {self.succeed("-p", prompt, *options, program=demo(t), launch=launch) for t, launch in self.targets()}
        self.assertEqual(len(results), 1)

    def test_every_command_runs(self):
        for target, launch in self.targets():
            with self.subTest(target):
                how = {"program": demo(target), "launch": launch}
                self.assertIn(f"target     {target}", self.succeed("info", "--verify", **how))
                self.assertEqual(self.succeed("-p", "E", **how), "h\U0001f600i\n")
                self.assertIn("decode", self.succeed("bench", "-p", 4, "-n", 2, **how))

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_empty_chroot_under_emulation(self):
        if target_of_this_machine() != "x86_64-linux" or not shutil.which("qemu-aarch64-static"):
            self.skipTest("needs qemu-aarch64-static on x86-64")
        shutil.copy(demo("aarch64-linux"), self.folder / "prog")
        shutil.copy(shutil.which("qemu-aarch64-static"), self.folder / "qemu")
        done = subprocess.run(
            ["/qemu", "/prog", "-p", "hi"], capture_output=True, text=True, preexec_fn=enter(self.folder), timeout=60
        )
        self.assertEqual((done.returncode, done.stdout), (0, "hello there.\n"), done.stderr)

    def test_levels_under_emulation(self):
        launch = launcher("aarch64-linux")
        if not launch:
            self.skipTest("this machine does not emulate aarch64-linux")
        how = {"program": demo("aarch64-linux")}
        self.assertRegex(self.succeed("info", **how, launch=[*launch, "-cpu", "max"]), r"neon, dotprod \(in use\)")
        small = [*launch, "-cpu", "cortex-a53"]
        self.assertRegex(self.succeed("info", **how, launch=small), r"neon \(in use\), dotprod \(not on this machine\)")
        self.fail_with(5, "lacks the dot product instructions", "-p", "hi", "--isa", "dotprod", **how, launch=small)


if __name__ == "__main__":
    unittest.main()
