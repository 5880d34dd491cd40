#include "manifests/yaml.h"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

NodePtr root_of(const std::string& text) {
    const YamlStream stream = read_yaml("f.yaml", text);
    for (const Diagnostic& diagnostic : stream.diagnostics) {
        ADD_FAILURE() << to_text(diagnostic);
    }
    return stream.documents.empty() ? nullptr : stream.documents.front();
}

std::string first_error(const std::string& text) {
    const YamlStream stream = read_yaml("f.yaml", text);
    return stream.diagnostics.empty() ? "" : to_text(stream.diagnostics.front());
}

TEST(Yaml, KnowsWhereThingsStand) {
    const NodePtr root = root_of("a: 1\nb:\n  - x\n  - {c: \"2\"}\n");
    ASSERT_TRUE(root);
    const MapEntry* b = root->find("b");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(b->line, 2);
    EXPECT_EQ(b->value->items[1]->line, 4);
    EXPECT_EQ(b->value->items[1]->column, 5);
    const MapEntry* c = b->value->items[1]->find("c");
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->column, 6);
    EXPECT_FALSE(c->value->plain);
    EXPECT_TRUE(root->find("a")->value->plain);
}

TEST(Yaml, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
    EXPECT_EQ(read_yaml("f", "---\na: 1\n---\n---\n# nothing\n---\nb: 2\n").documents.size(), 2U);
    EXPECT_TRUE(read_yaml("f", "").documents.empty());
    EXPECT_TRUE(read_yaml("f", "# only words\n").documents.empty());
}

TEST(Yaml, ReadsJson) {
    const NodePtr root = root_of("{\"a\": [1, \"b\", null, true], \"c\": {}}");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->find("a")->value->items.size(), 4U);
    EXPECT_EQ(root->find("a")->value->items[2]->kind, NodeKind::Null);
}

TEST(Yaml, TreatsCrlfAndBomAsNothing) {
    const NodePtr plain = root_of("a: |\n  x\n  y\nb: 2\n");
    const NodePtr windows = root_of(
        "\xEF\xBB\xBF"
        "a: |\r\n  x\r\n  y\r\nb: 2\r\n");
    ASSERT_TRUE(plain && windows);
    EXPECT_EQ(windows->find("a")->value->text, "x\ny\n");
    EXPECT_EQ(windows->find("b")->value->text, "2");
    EXPECT_EQ(windows->find("b")->line, plain->find("b")->line);
}

TEST(Yaml, SharesWhatAnAliasNames) {
    const NodePtr root =
        root_of("a: &x {k: v}\nb: *x\nc:\n  <<: *x\n  d: 1\ne:\n  <<: *x\n  k: w\n");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->find("b")->value, root->find("a")->value);
    EXPECT_EQ(root->find("c")->value->find("k")->value->text, "v");
    EXPECT_EQ(root->find("e")->value->find("k")->value->text, "w");
    EXPECT_EQ(root->find("e")->value->find("<<"), nullptr);
}

TEST(Yaml, TellsEveryDuplicateKey) {
    const YamlStream stream = read_yaml("f.yaml", "a: 1\nb: {c: 1, c: 2}\na: 2\n");
    ASSERT_EQ(stream.diagnostics.size(), 2U);
    EXPECT_EQ(to_text(stream.diagnostics[0]), "f.yaml:2:11: the key 'c' is there twice");
    EXPECT_EQ(to_text(stream.diagnostics[1]), "f.yaml:3:1: the key 'a' is there twice");
    EXPECT_TRUE(stream.complete);
}

struct RefusalCase {
    const char* name;
    std::string text;
    const char* error;  // how it starts
};

TEST(Yaml, RefusesWhatItCannotMean) {
    const RefusalCase cases[] = {
        {"open bracket", "a: [1, 2\n", "f.yaml:2:1: cannot read the YAML"},
        {"tab indent", "a:\n\tb: 1\n", "f.yaml:2:1: a tab indents this line"},
        {"tab below", "a:\n  b: 1\n\tc: 1\n", "f.yaml:3:1: a tab indents this line"},
        {"tab after blanks", "a:\n  b: 1\n  \tc: 1\n", "f.yaml:3:3: a tab indents this line"},
        {"escaped NUL", "a:\n  - \"C=a\\0b\"\n", "f.yaml:2:5: there is a NUL byte in this value"},
        {"NUL", std::string("a: 1\nb: \0x\n", 11), "f.yaml:2:4: there is a NUL byte here"},
        {"not UTF-8", "a: 1\nb: \xFF\n", "f.yaml:2:4: there is a byte that is not UTF-8 here"},
        {"escape", "a: \x1B[31m\n", "f.yaml:1:4: there is a control character here"},
        {"UTF-16",
         std::string("\xFF\xFE"
                     "a\0",
                     4),
         "f.yaml:1:1: is UTF-16"},
        {"list as key", "? [a]\n: 1\n", "f.yaml:1:3: a key must be"},
        {"unknown alias", "a: *nowhere\n", "f.yaml:1:4: cannot read the YAML"},
        {"alias inside itself", "a: &a [*a]\n", "f.yaml:1:8: "},
        {"tag", "a: !!python/object x\n", "f.yaml:1:4: a tag is not allowed"},
        {"merge of a list", "<<: [1]\n", "f.yaml:1:1: '<<' takes"},
        {"bad indent", "a: 1\n  b: 2\n", "f.yaml:2:"},
    };
    for (const RefusalCase& c : cases) {
        EXPECT_EQ(first_error(c.text).substr(0, std::string(c.error).size()), c.error) << c.name;
    }
}

// A password that nobody has put in quotes may be anything to YAML.
TEST(Yaml, QuotesNoValueInWhatItSays) {
    for (const char* text :
         {"p: !hunter2\n", "p: !hunter2 [a]\n", "p: !<hunter2> a\n", "p: *hunter2\n",
          "p: &hunter2 &hunter2 a\n", "p: \"\\Ahunter2\"\n", "p: \"\\xhunter2\"\n", "p: %hunter2\n",
          "p: @hunter2\n", "p: `hunter2\n", "p: a: hunter2\n", "p: 'hunter2\n", "%YAML hunter2\n",
          "%TAG hunter2\n---\na: 1\n"}) {
        std::string said;
        for (const Diagnostic& diagnostic : read_yaml("f.yaml", text).diagnostics) {
            said += to_text(diagnostic) + "\n";
        }
        EXPECT_EQ(said.find("hunter2"), std::string::npos) << text << said;
    }
}

std::string repeated(const std::string& piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += piece;
    }
    return out;
}

std::string billion_laughs() {
    std::string out = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string alias = "*a" + std::to_string(i - 1);
        out += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias +
               repeated(", " + alias, 9) + "]\n";
    }
    return out;
}

std::string nested_blocks(int depth) {
    std::string out;
    for (int i = 0; i < depth; ++i) {
        out += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    }
    return out;
}

// This thread's own CPU time, since the machine that runs the tests may be busy; without the
// kernel's, in which a sanitizer's allocator takes as long as the machine has others to serve.
double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

double cpu_seconds_of(const std::string& text, Compiled& compiled) {
    const double start = cpu_seconds();
    compiled = compile("f.yaml", text);
    return cpu_seconds() - start;
}

// As large as a manifest may be, and nothing wrong with it.
std::string large_config_map() {
    std::string out = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n";
    for (int i = 0; i < 4900; ++i) {
        out += "  k" + std::to_string(i) + ": " + std::string(200, 'x') + "\n";
    }
    return out + "---\n" + pod_text("", "");
}

// Half of it on an idle machine. In times of a good manifest, since machines and sanitizers differ.
constexpr double kAllowedTimes = 4.0;

TEST(Yaml, AnswersNastyInputAtOnce) {
    const std::pair<const char*, std::string> cases[] = {
        {"billion laughs", billion_laughs()},
        {"brackets", repeated("[", 500'000)},
        {"braces", repeated("{a: ", 200'000)},
        {"dashes", repeated("- ", 400'000)},
        {"questions", repeated("? ", 400'000)},
        {"nested blocks", nested_blocks(1000)},
        {"10 MB line", "a: " + std::string(10'000'000, 'x')},
        {"1 MB line", "a: " + std::string(1'000'000, 'x')},
        {"many keys",
         [] {
             std::string out;
             for (int i = 0; i < 60'000; ++i) {
                 out += "k" + std::to_string(i) + ": 1\n";
             }
             return out;
         }()},
        {"many documents", repeated("---\na: 1\n", 100'000)},
        {"empty documents", repeated("---\n", 250'000)},
        {"anchors", repeated("- &a x\n", 100'000)},
        {"comment", "#" + std::string(1'000'000, 'x')},
        {"spaces", std::string(1'000'000, ' ')},
        {"newlines", std::string(1'000'000, '\n')},
        {"colons", std::string(1'000'000, ':')},
        {"commas", "[" + std::string(1'000'000, ',')},
        {"quotes", std::string(1'000'000, '"')},
        {"ampersands", repeated("&a ", 300'000)},
        {"exclamation", repeated("! ", 300'000)},
        {"percent", repeated("%YAML 1.2\n", 90'000)},
        {"open quote", "a: \"" + std::string(1'000'000, 'x')},
        {"pipes", repeated("- |\n", 200'000)},
        {"merge chain",
         [] {
             std::string out = "a0: &a0 {k: v}\n";
             for (int i = 1; i < 5000; ++i) {
                 out += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: *a" +
                        std::to_string(i - 1) + ", x" + std::to_string(i) + ": 1}\n";
             }
             return out;
         }()},
    };
    Compiled compiled;
    const double good = cpu_seconds_of(large_config_map(), compiled);
    ASSERT_TRUE(compiled.diagnostics.empty()) << to_text(compiled.diagnostics.front());
    for (const auto& [name, text] : cases) {
        double times = cpu_seconds_of(text, compiled) / good;
        for (int i = 0; i < 2 && times >= kAllowedTimes; ++i) {
            // A virtual machine that is kept waiting has that counted as its own.
            Compiled again;
            const double base = cpu_seconds_of(large_config_map(), again);
            times = std::min(times, cpu_seconds_of(text, compiled) / base);
        }
        EXPECT_LT(times, kAllowedTimes) << name;
        EXPECT_EQ(compiled.app, nullptr) << name;
        EXPECT_FALSE(compiled.diagnostics.empty()) << name;
        EXPECT_LT(compiled.diagnostics.size(), 20'001U) << name;
    }
}

TEST(Yaml, SaysWhichBoundIsHit) {
    EXPECT_EQ(first_error(std::string(kMaxFileBytes + 1, ' ')), "f.yaml: larger than 1024 KiB");
    EXPECT_EQ(first_error(repeated("[", 65) + repeated("]", 65)),
              "f.yaml:1:65: nested deeper than 64 levels");
    EXPECT_NE(first_error(billion_laughs()).find("more than 10000 values, aliases counted"),
              std::string::npos);
    EXPECT_EQ(first_error(repeated("[", 64) + repeated("]", 64)), "");
}

// Text that is nearly a manifest, changed at random: nothing but an answer may come of it.
TEST(Yaml, SurvivesWhatNobodyWouldWrite) {
    const std::string good = pod_text(
        "command: [sh, -c, 'x']\nenv:\n  - name: A\n    value: \"1\"\nports:\n  - {containerPort: "
        "80}\n"
        "volumeMounts:\n  - &m {name: v, mountPath: /v}\nresources:\n  limits: {memory: 1Gi}",
        "volumes:\n  - name: v\n    emptyDir: {}");
    std::uint32_t seed = 12345;
    const auto next = [&](std::size_t below) {
        seed = seed * 1664525U + 1013904223U;
        return static_cast<std::size_t>(seed >> 8U) % below;
    };
    static const std::string kSpice = " \n\t:-[]{}&*!|>'\"%@`#?,<x0\r~";
    int broken = 0;
    for (int round = 0; round < 500; ++round) {
        std::string text = good;
        for (std::size_t i = 0; i < 1 + next(6); ++i) {
            const std::size_t at = next(text.size());
            switch (next(3)) {
                case 0:
                    text[at] = kSpice[next(kSpice.size())];
                    break;
                case 1:
                    text.insert(at, 1, kSpice[next(kSpice.size())]);
                    break;
                default:
                    text.erase(at, 1 + next(8));
                    break;
            }
        }
        const Compiled compiled = compile("f.yaml", text);
        EXPECT_EQ(compiled.app == nullptr, has_errors(compiled.diagnostics));
        broken += compiled.app == nullptr ? 1 : 0;
    }
    EXPECT_GT(broken, 100);
}

}  // namespace
}  // namespace podreeve::manifests
