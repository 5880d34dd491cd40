#!/usr/bin/env python3
"""Proves that each lint can fail: a small wrong tree for each rule, and what the lint has to say of it."""

import os
import shutil
import subprocess
import tempfile
import unittest

import check_banned
import check_binaries
import check_format
import check_layers
import check_purity
import check_shell
import check_size
import check_units
import check_words

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = {
    "runtime/base/CMakeLists.txt": "podreeve_library(podreeve_base SOURCES a.cpp LINKS fmt::fmt)",
    "runtime/http/CMakeLists.txt": "podreeve_library(podreeve_http SOURCES a.cpp LINKS podreeve_base)",
    "manifests/CMakeLists.txt": "podreeve_library(podreeve_manifests SOURCES a.cpp LINKS podreeve_base)",
}


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def check(self, lint, files):
        for name, text in files.items():
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return "\n".join(lint.problems(self.root))


class Layers(LintTest):
    def test_an_include_along_the_arrows_passes(self):
        text = '#include "runtime/base/result.h"\n#include <vector>\n'
        self.assertEqual(self.check(check_layers, {**LIBRARIES, "manifests/a.cpp": text}), "")

    def test_an_include_against_the_arrows(self):
        found = self.check(check_layers, {**LIBRARIES, "runtime/base/a.cpp": '\n#include "manifests/model.h"\n'})
        self.assertIn("runtime/base/a.cpp:2: runtime/base must not include manifests/model.h", found)

    def test_one_header_of_a_room_is_not_the_room(self):
        found = self.check(check_layers, {"agent/plan/a.cpp": '#include "agent/observe/reader.h"\n'})
        self.assertIn("agent/plan must not include agent/observe/reader.h", found)

    def test_an_include_that_is_not_linked(self):
        files = {**LIBRARIES, "runtime/podman/CMakeLists.txt": "podreeve_library(podreeve_podman LINKS podreeve_base)",
                 "runtime/podman/a.cpp": '#include "runtime/http/client.h"\n'}
        self.assertIn("does not link runtime/http", self.check(check_layers, files))

    def test_a_link_against_the_arrows(self):
        files = {**LIBRARIES, "runtime/loop/CMakeLists.txt": "podreeve_library(podreeve_loop LINKS podreeve_manifests)"}
        self.assertIn("runtime/loop must not link manifests", self.check(check_layers, files))

    def test_an_outside_library_away_from_its_room(self):
        found = self.check(check_layers, {"agent/plan/a.cpp": "#include <sqlite3.h>\n"})
        self.assertIn("<sqlite3.h> belongs to agent/state", found)

    def test_an_include_that_is_not_written_from_the_root(self):
        self.assertIn("not written from the root", self.check(check_layers, {"quadlet/a.cpp": '#include "a.h"\n'}))

    def test_a_table_in_the_documents_that_is_another_one(self):
        self.assertIn("its table of the rooms is another one", self.check(check_layers, {"docs/architecture.md": "| room |\n"}))
        self.assertEqual(self.check(check_layers, {"docs/architecture.md": check_layers.table() + "\n"}), "")

    def test_a_folder_that_is_no_room(self):
        self.assertIn("lies in no room", self.check(check_layers, {"agent/misc/a.cpp": "\n"}))


class Purity(LintTest):
    def test_values_and_functions_of_them_pass(self):
        text = ('#include <map>\n#include "agent/supervise/failures.h"\n#include "runtime/base/clock.h"\n'
                "static const int kMost = 3;\nWallTime now{};\nauto last = memory.clock.shown(now);\n"
                "static std::string name_of(int number);\n")
        self.assertEqual(self.check(check_purity, {"agent/supervise/decide/a.cpp": text, "agent/supervise/b.cpp": "#include <mutex>"}), "")

    def test_each_rule(self):
        rows = [
            ("#include <map>\n#include <mutex>", "a.cpp:2: mutex"),
            ("#include <filesystem>", "filesystem is no value"),
            ("#include <sys/stat.h>", "sys/stat.h is no value"),
            ('#include "agent/state/state.h"', "agent/state/state.h is no value"),
            ('#include "runtime/podman/client.h"', "runtime/podman/client.h is no value"),
            ('#include "runtime/base/log.h"', "runtime/base/log.h is no value"),
            ('#include "agent/supervise/supervisor.h"', "supervisor.h is no value"),
            ("void decide(const Clock& clock);", "the time is an input"),
            ("auto now = clock.steady_now();", "the time is an input"),
            ("mutable int asked;", "same decisions"),
            ("static int asked = 0;", "nothing stays"),
            ("static Guarded<Memo> instance;", "nothing stays"),
            ('log::warn("gone");', "told by who applies it"),
        ]
        for text, said in rows:
            for name in ("agent/supervise/decide/a.cpp", "agent/plan/a.cpp"):
                with self.subTest(text=text, name=name):
                    self.assertIn(said, self.check(check_purity, {name: text}))


class Banned(LintTest):
    def test_each_rule(self):
        rows = [
            ("agent/plan/a.cpp", "\nstd::this_thread::sleep_for(1s);", "a.cpp:2: 'sleep_for'"),
            ("agent/plan/a.cpp", "auto now = std::chrono::steady_clock::now();", "take a Clock"),
            ("manifests/a.cpp", 'getenv("HOME");', "take the value as an argument"),
            ("runtime/base/a.cpp", "std::istreambuf_iterator<char> it(file);", "read_file()"),
            ("agent/plan/a.cpp", "for (const auto& entry : fs::directory_iterator(path)) {", "increment(error)"),
            ("agent/plan/a.cpp", "task.data = json{{1, 2}}\n    .dump();", "json_text()"),
            ("agent/plan/a.cpp", "value->dump(2);", "json_text()"),
            ("agent/daemon/a.cpp", "thread_ = std::jthread([this] { run(); });", "begin_stoppable()"),
            ("agent/api/a.cpp", "A::A() : thread_([this] { run(); }) {}", "begin_thread()"),
            ("agent/daemon/a.cpp", 'system("podman ps");', "start a child"),
            ("agent/plan/a.h", "#pragma once\nclass TaskManager;", "name the thing"),
            ("agent/plan/string_utils.h", "#pragma once\n", "named after the one thing"),
            ("agent/plan/a.h", "", "#pragma once"),
            ("agent/plan/a.h", "#pragma once\n// TODO: later", "TODO"),
            ("agent/plan/a.cpp", "using namespace std;", "name what is used"),
            ("tests/unit/a_test.cpp", "GTEST_SKIP();", "shows nothing"),
            ("tests/unit/a_test.cpp", "TEST(A, DISABLED_B) {}", "shows nothing"),
            ("tests/unit/a_test.cpp", "EXPECT_TRUE(true);", "able to fail"),
            ("tests/unit/a_test.cpp", "sleep(1);", "never sleeps"),
        ]
        for name, text, expected in rows:
            with self.subTest(text=text):
                self.assertIn(expected, self.check(check_banned, {name: text + "\n"}))
                os.remove(os.path.join(self.root, name))

    def test_words_in_comments_strings_and_the_world_pass(self):
        files = {"agent/plan/a.cpp": '// never sleep_for\nlog("getenv(x)"); bus.system();\n',
                 "runtime/base/clock.cpp": "std::chrono::steady_clock::now();\n",
                 "agent/api/a.h": "#pragma once\nstd::jthread thread_, other_;\nstd::vector<std::thread> all;\n",
                 "runtime/base/json_text.cpp": "value.dump(2);\n"}
        self.assertEqual(self.check(check_banned, files), "")


class Size(LintTest):
    def test_a_long_file(self):
        self.assertIn("601 lines", self.check(check_size, {"agent/plan/a.cpp": "int a;\n" * 601}))

    def test_a_long_function(self):
        for head in ("int f(int x) {", "struct S {\n    S() const noexcept override {", "auto g() -> int {"):
            with self.subTest(head=head):
                ends = "}" * head.count("{")
                text = "namespace a {\n" + head + "\n    ++x;" * 61 + "\n" + ends + "\n}\n"
                self.assertIn("a function of 62 lines", self.check(check_size, {"agent/plan/a.cpp": text}))
                self.assertEqual(self.check(check_size, {"agent/plan/a.cpp": text.replace("    ++x;\n", "", 2)}), "")

    def test_a_long_table_is_no_function(self):
        self.assertEqual(self.check(check_size, {"agent/plan/a.cpp": "const T t{\n" + "    {f(1)},\n" * 70 + "};\n"}), "")


class OutsideTools(LintTest):
    def test_an_unformatted_file(self):
        shutil.copy(os.path.join(SOURCE, ".clang-format"), self.root)
        self.assertIn("a.cpp:1", self.check(check_format, {"agent/plan/a.cpp": "int   a ;\n"}))

    def test_a_careless_script(self):
        self.assertIn("SC2086", self.check(check_shell, {"run": "#!/bin/sh\nrm $1\n"}))


class Packages(LintTest):
    def test_programs_without_hardening(self):
        plain = os.path.join(self.root, "plain")
        subprocess.run(["clang++", "-x", "c++", "-no-pie", "-fuse-ld=lld", "-Wl,-z,norelro", "-", "-o", plain], check=True,
                       input="int main() {}", text=True)
        control = ("Package: podreeve\nVersion: 1~deb12\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n")
        self.check(check_units, {"made/DEBIAN/control": control})
        for name in check_binaries.PROGRAMS:
            os.makedirs(os.path.dirname(os.path.join(self.root, "made", name)), exist_ok=True)
            shutil.copy(plain, os.path.join(self.root, "made", name))
        subprocess.run(["dpkg-deb", "-b", os.path.join(self.root, "made"), os.path.join(self.root, "podreeve_1~deb12_all.deb")],
                       check=True, capture_output=True)
        found = "\n".join(check_binaries.problems(self.root, "bookworm"))
        for sign in ("-pie", "relro", "now", "stack-protector", "FORTIFY", "ASSERTIONS", "-fcf-protection|branch-protection"):
            with self.subTest(sign=sign):
                self.assertRegex(found, sign)

    def test_no_package(self):
        self.assertIn("not one .deb of forky", check_binaries.problems(self.root, "forky")[0])

    def test_a_unit_that_may_do_more(self):
        name = "user/podreeve.service"
        found = self.check(check_units, {name: "[Service]\nExecStart=/bin/true\n"})
        self.assertRegex(found, f"{name}: [89]\\.\\d, and was 6")
        self.assertIn("system/podreeve.service: systemd-analyze security says nothing of it", found)

    def test_an_agent_that_nobody_watches(self):
        for name in ("user/podreeve-kube@.service", "system/podreeve.service"):
            with self.subTest(name=name):
                sign = f"{name}: has no WatchdogSec=30"
                self.assertIn(sign, self.check(check_units, {name: "[Service]\nExecStart=/bin/true\nWatchdogSec=0\n"}))
                self.assertNotIn(sign, self.check(check_units, {name: "[Service]\nExecStart=/bin/true\nWatchdogSec=30\n"}))

    def test_a_unit_that_may_do_less(self):
        found = self.check(check_units, {"user/podreeve.service": "[Service]\nExecStart=/bin/true\nPrivateNetwork=yes\nProtectSystem="
                                         "strict\nDynamicUser=yes\nCapabilityBoundingSet=\nPrivateUsers=yes\nProtectHome=yes\n"
                                         "SystemCallFilter=@system-service\n"})
        self.assertIn("is better than", found)


class Words(LintTest):
    def test_a_word_of_our_own(self):
        for text, found in (("int verdict_of(int a);", "'verdict_of' says verdict"), ("struct WishReport {};", "'WishReport' says wish"),
                            ("int in_force;", "'in_force': effective"), ('auto a = "is made anew";', '"is made anew" says anew'),
                            ('auto a = "podman tells it";', "says tell"), ("// the wedged ones", "'wedged': see the glossary")):
            self.assertIn(found, self.check(check_words, {"agent/plan/a.cpp": text + "\n"}), text)
        self.assertIn("the file's name says verdict", self.check(check_words, {"agent/plan/unit_verdict.h": ""}))
        self.assertIn("'overseer': see the glossary", self.check(check_words, {"docs/a.md": "The overseer asks.\n"}))

    def test_a_name_of_two_types(self):
        files = {"agent/plan/a.h": "struct Row {\n};\n", "runtime/base/b.h": "enum class Row { One };\n"}
        self.assertIn("'Row' is also a type of agent/plan/a.h", self.check(check_words, files))

    def test_words_of_the_field_pass(self):
        text = 'struct Decision {};\n// stands for what it is told\nauto a = "it answers again, on its way down";\nint kNote;\n'
        self.assertEqual(self.check(check_words, {"agent/plan/a.cpp": text}), "")


if __name__ == "__main__":
    unittest.main()
