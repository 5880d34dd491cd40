#include "tests/fakes/fake_podman/model.h"

#include <sstream>

namespace podreeve::fakes {
namespace {

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \t\n");
    return first == std::string::npos
               ? ""
               : text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
        words.push_back(word);
    }
    return words;
}

int number_after(const std::string& text, const std::string& word, int fallback) {
    const auto at = text.find(word);
    if (at == std::string::npos || at + word.size() >= text.size()) {
        return fallback;
    }
    return std::atoi(text.c_str() + at + word.size());
}

// One statement of a script; false when the script does not go past it.
bool run_statement(const std::string& statement, Program& program) {
    const std::vector<std::string> words = words_of(statement);
    const std::string first = words.empty() ? "" : words.front();
    if (first == "echo") {
        std::string text = trimmed(statement.substr(statement.find("echo") + 4));
        int stream = 1;
        if (const auto to = text.find(">&2"); to != std::string::npos) {
            text = trimmed(text.substr(0, to));
            stream = 2;
        }
        const bool partial = text.starts_with("-n ");
        program.output.push_back({stream, partial ? text.substr(3) : text, partial});
        return true;
    }
    if (first == "trap") {
        program.on_term = number_after(statement, "exit ", 0);
        return true;
    }
    if (first == "exit" || first == "true" || first == "false") {
        program.exits =
            first == "exit" ? number_after(statement, "exit ", 0) : (first == "true" ? 0 : 1);
        return first != "exit";
    }
    program.exits.reset();
    return first.empty() || first == ":";
}

}  // namespace

Program program_that_exits(int code) {
    Program program;
    program.exits = code;
    return program;
}

Program program_that_cannot_start(const std::string& error) {
    Program program;
    program.start_error = error;
    return program;
}

Program program_of(const std::vector<std::string>& command) {
    Program program;
    if (command.empty()) {
        return program;
    }
    const std::string name = command.front().substr(command.front().rfind('/') + 1);
    if (name == "sh" && command.size() > 2 && command[1] == "-c") {
        // Quoted separators are beyond it; the one that matters is a trap's.
        std::istringstream script(command[2]);
        bool past_the_end = true;
        for (std::string statement; past_the_end && std::getline(script, statement, ';');) {
            past_the_end = run_statement(trimmed(statement), program);
        }
        if (past_the_end && !program.exits) {
            program.exits = 0;
        }
        return program;
    }
    if (name == "true" || name == "false") {
        program.exits = name == "true" ? 0 : 1;
    } else if (name == "echo") {
        std::string text;
        for (std::size_t i = 1; i < command.size(); ++i) {
            text += (i > 1 ? " " : "") + command[i];
        }
        program.output.push_back({1, text});
        program.exits = 0;
    } else if (name == "catatonit") {
        program.on_term = 0;
    } else if (name.starts_with("nonexist")) {
        program.start_error =
            "crun: executable file `" + command.front() +
            "` not found: No such file or directory: OCI runtime attempted to invoke a "
            "command that was not found";
    }
    return program;
}

Answer ok(ordered_json body, int status) {
    Answer reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

Answer nothing(int status) {
    Answer reply;
    reply.status = status;
    reply.has_body = false;
    return reply;
}

Answer error(int status, const std::string& cause, const std::string& message) {
    return ok({{"cause", cause}, {"message", message}, {"response", status}}, status);
}

Answer text(const std::string& body, int status) {
    Answer reply;
    reply.status = status;
    reply.content_type = "text/plain; charset=us-ascii";
    reply.raw = body;
    return reply;
}

}  // namespace podreeve::fakes
