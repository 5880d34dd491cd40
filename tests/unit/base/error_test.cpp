#include "runtime/base/error.h"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>

#include "runtime/base/result.h"

namespace podreeve {
namespace {

constexpr Code kAllCodes[] = {
    Code::InvalidArgument, Code::NotFound,  Code::Conflict,    Code::Denied,  Code::Unavailable,
    Code::Timeout,         Code::Cancelled, Code::Unsupported, Code::Corrupt, Code::Internal};

TEST(ErrorTable, HasARowOfItsOwnForEveryCode) {
    std::set<std::string_view> names;
    for (const Code code : kAllCodes) {
        const CodeTraits& row = traits(code);
        EXPECT_EQ(row.code, code);
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(code_from_name(row.name), code);
        EXPECT_EQ(to_string(code), row.name);
        EXPECT_GE(row.http_status, 400);
        EXPECT_LT(row.http_status, 600);
        EXPECT_EQ(row.exit_code, 1);
    }
}

TEST(ErrorTable, TellsWhatMayBeTriedAgain) {
    const std::set<Code> again{Code::Unavailable, Code::Timeout, Code::Cancelled};
    for (const Code code : kAllCodes) {
        EXPECT_EQ(traits(code).retryable, again.contains(code)) << to_string(code);
    }
}

TEST(ErrorTable, TakesAnUnknownNameForInternal) {
    EXPECT_EQ(code_from_name("no-such-code"), Code::Internal);
    EXPECT_EQ(code_from_name(""), Code::Internal);
}

TEST(Error, IsWrappedWithoutLosingItsCode) {
    const Error wrapped = wrap("cannot start web", {Code::Timeout, "cannot reach podman"});
    EXPECT_EQ(wrapped, (Error{Code::Timeout, "cannot start web: cannot reach podman"}));
}

TEST(Error, OfASystemCallSaysWhatAndWhy) {
    EXPECT_EQ(errno_error("open /x", ENOENT),
              (Error{Code::NotFound, "cannot open /x: No such file or directory"}));
    const std::pair<int, Code> rows[] = {{EACCES, Code::Denied},
                                         {EPERM, Code::Denied},
                                         {EEXIST, Code::Conflict},
                                         {ECONNREFUSED, Code::Unavailable},
                                         {ENOSPC, Code::Unavailable},
                                         {EMFILE, Code::Unavailable},
                                         {EHOSTUNREACH, Code::Unavailable},
                                         {ETIMEDOUT, Code::Timeout},
                                         {ESRCH, Code::NotFound},
                                         {ENOSYS, Code::Unsupported},
                                         {EINVAL, Code::InvalidArgument},
                                         {ENAMETOOLONG, Code::InvalidArgument},
                                         {EBADF, Code::Internal}};
    for (const auto& [number, code] : rows) {
        EXPECT_EQ(errno_error("do", number).code, code) << number;
    }
}

Result<int> half(int value) {
    if (value % 2 != 0) {
        return fail(Code::InvalidArgument, "cannot halve an odd number");
    }
    return value / 2;
}

Status check(int value) {
    RETURN_IF_ERROR(half(value));
    return {};
}

Result<std::string> quarter_text(int value) {
    ASSIGN_OR_RETURN(const int once, half(value));
    ASSIGN_OR_RETURN(const int twice, half(once));
    return std::to_string(twice);
}

TEST(Result, HoldsAValueOrAnError) {
    EXPECT_EQ(half(4).value(), 2);
    EXPECT_EQ(half(3).error(), (Error{Code::InvalidArgument, "cannot halve an odd number"}));
    const Result<int> direct = Error{Code::Conflict, "cannot"};
    EXPECT_EQ(direct.error().code, Code::Conflict);
}

TEST(Result, IsPassedOnByTheMacros) {
    EXPECT_TRUE(check(2));
    EXPECT_EQ(check(1).error().code, Code::InvalidArgument);
    EXPECT_EQ(quarter_text(8).value(), "2");
    EXPECT_EQ(quarter_text(6).error().message, "cannot halve an odd number");
    EXPECT_EQ(quarter_text(5).error().message, "cannot halve an odd number");
}

Result<std::unique_ptr<int>> make_owned() {
    return std::make_unique<int>(7);
}

Result<int> read_owned() {
    ASSIGN_OR_RETURN(const auto owned, make_owned());
    return *owned;
}

TEST(Result, MovesWhatCannotBeCopied) {
    EXPECT_EQ(read_owned().value(), 7);
}

}  // namespace
}  // namespace podreeve
