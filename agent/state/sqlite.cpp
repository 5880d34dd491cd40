#include "agent/state/sqlite.h"

#include <utility>

#include <sqlite3.h>

namespace podreeve::state::sqlite {

Error error_of(int result, std::string_view message) {
    switch (result & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {Code::Corrupt, std::string(message)};
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return {Code::Denied, std::string(message)};
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_NOMEM:
        case SQLITE_PROTOCOL:
            return {Code::Unavailable, std::string(message)};
        default:
            return {Code::Internal, std::string(message)};
    }
}

namespace {

Error last_error(sqlite3* db) {
    return error_of(sqlite3_extended_errcode(db), sqlite3_errmsg(db));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      db_(other.db_),
      bound_(std::exchange(other.bound_, 0)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    std::swap(db_, other.db_);
    std::swap(bound_, other.bound_);
    return *this;
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

Statement& Statement::bind(std::int64_t value) {
    // Only a wrong index or a running statement makes a bind fail; step() would tell both.
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
}

Statement& Statement::bind(std::string_view value) {
    // A null pointer would bind NULL, not the empty text.
    const char* data = value.data() == nullptr ? "" : value.data();
    sqlite3_bind_text64(statement_, ++bound_, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}

Result<bool> Statement::step() {
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) {
        return true;
    }
    if (result == SQLITE_DONE) {
        reset();
        return false;
    }
    Error error = last_error(db_);
    reset();
    return error;
}

Status Statement::run() {
    ASSIGN_OR_RETURN(const bool row, step());
    if (row) {
        reset();
    }
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_);
    bound_ = 0;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
    const unsigned char* data = sqlite3_column_text(statement_, column);
    if (data == nullptr) {
        return {};
    }
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {static_cast<const char*>(static_cast<const void*>(data)), size};
}

Result<Database> Database::open(const std::string& path) {
    sqlite3* handle = nullptr;
    // The store serialises its calls itself.
    const int result = sqlite3_open_v2(path.c_str(), &handle,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database db(handle);
    if (result != SQLITE_OK) {
        return handle == nullptr ? error_of(result, "out of memory") : last_error(handle);
    }
    sqlite3_extended_result_codes(handle, 1);
    // A file that somebody has made up runs nothing by its schema, and damage shows sooner.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_exec(handle, "PRAGMA cell_size_check=ON", nullptr, nullptr, nullptr);
    return db;
}

Database::Database(Database&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Database& Database::operator=(Database&& other) noexcept {
    std::swap(db_, other.db_);
    return *this;
}

Database::~Database() {
    sqlite3_close_v2(db_);
}

Result<Statement> Database::prepare(std::string_view sql) const {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) {
        return last_error(db_);
    }
    return Statement(statement, db_);
}

Status Database::run(const std::string& sql) const {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return last_error(db_);
    }
    return {};
}

Result<std::int64_t> Database::integer(std::string_view sql) const {
    ASSIGN_OR_RETURN(Statement statement, prepare(sql));
    ASSIGN_OR_RETURN(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

Result<std::string> Database::text(std::string_view sql) const {
    ASSIGN_OR_RETURN(Statement statement, prepare(sql));
    ASSIGN_OR_RETURN(const bool row, statement.step());
    return row ? statement.text(0) : std::string();
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(db_) == 0;
}

std::uint64_t Database::total_changes() const {
    return static_cast<std::uint64_t>(sqlite3_total_changes64(db_));
}

}  // namespace podreeve::state::sqlite
