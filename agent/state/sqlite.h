#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

struct sqlite3;  // of SQLite, whose header stays out of this one
struct sqlite3_stmt;

// The little of SQLite that the store uses, with Results. One thread at a time; the store's lock
// sees to that. Errors: Corrupt when the file is not (or no longer) a database, Unavailable when
// the disk or the file system refuses, Internal for a bad statement.
namespace podreeve::state::sqlite {

class Database;

// A prepared statement. Parameters are bound in order from 1; text is copied.
class Statement {
  public:
    Statement() = default;
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;
    ~Statement();

    // Binds the next parameter.
    Statement& bind(std::int64_t value);
    Statement& bind(std::string_view value);

    // The next row is there (true), or the statement has ended (false) and is ready to be bound
    // again.
    Result<bool> step();
    // For a statement that gives no rows: runs it once.
    Status run();

    // Forgets what is bound and the row it stands at: what somebody left who did not come to an
    // end.
    void reset();

    std::int64_t integer(int column) const;
    std::string text(int column) const;

  private:
    friend class Database;

    Statement(sqlite3_stmt* statement, sqlite3* db) : statement_(statement), db_(db) {}

    sqlite3_stmt* statement_ = nullptr;
    sqlite3* db_ = nullptr;
    int bound_ = 0;
};

class Database {
  public:
    Database() = default;
    // The file must exist; SQLite would make one that everybody may read.
    static Result<Database> open(const std::string& path);
    Database(Database&& other) noexcept;
    Database& operator=(Database&& other) noexcept;
    ~Database();

    Result<Statement> prepare(std::string_view sql) const;
    // One or more statements without parameters.
    Status run(const std::string& sql) const;
    // The first column of the only row of a query.
    Result<std::int64_t> integer(std::string_view sql) const;
    Result<std::string> text(std::string_view sql) const;

    bool in_transaction() const;
    std::uint64_t total_changes() const;

  private:
    explicit Database(sqlite3* db) : db_(db) {}

    sqlite3* db_ = nullptr;
};

// SQLite's result code as an Error: "database or disk is full".
Error error_of(int result, std::string_view message);

}  // namespace podreeve::state::sqlite
