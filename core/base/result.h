// Result<T>: a value, or an Error that says what went wrong, with which object, and the way out.
//
// Expected failures travel as Results; bugs abort (check.h). `Fault` is closed: every switch over it lists
// all enumerators and has no default. Exit codes of the program are a function of Fault (docs/exit_codes.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace firedrill {

/// What kind of failure it was: what a caller can act on. The text is for people.
enum class Fault : std::uint8_t {
    bad_usage,     ///< the command line or a call's arguments are wrong; correct and call again
    bad_input,     ///< a file, form or message does not have its required shape; nothing was changed
    not_found,     ///< the named object does not exist
    exists,        ///< the named object exists already and is not overwritten
    in_use,        ///< somebody else owns it (data folder, port); stop them or choose another
    permission,    ///< the operating system said no, or modes are too loose to be safe
    newer_format,  ///< written by a newer version; upgrade the program, nothing was changed
    wrong_secret,  ///< passphrase, password or key does not open it; nothing was changed
    damaged,       ///< bytes are not what was written; repair or restore, nothing was overwritten
    disk_full,     ///< refused before anything was written; free space and try again
    disk_failed,   ///< a read, write or sync failed; after a failed sync the node must stop
    powered_off,   ///< the machine lost power during the call; only the simulator says this
    refused,       ///< not allowed in this state or to this person
    limit,         ///< a stated limit would be passed
    timeout,       ///< not in time
    closed,        ///< the peer or the object is gone
    unavailable,   ///< cannot be served now; try again later
    internal,      ///< a library did what its documentation excludes; report it
};

/// Stable lower-case name of a fault, for JSON and logs ("bad_usage" ...).
std::string_view fault_name(Fault fault) noexcept;

struct [[nodiscard]] Error {
    Fault fault = Fault::internal;
    std::string text;  ///< one sentence: object, cause, way out. Never patient data, keys or SQL values.
};

template <class T>
class [[nodiscard]] Result {
  public:
    using value_type = T;
    Result(T value)
        : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
    Result(Error error)
        : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool is_ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return is_ok(); }
    /// The value. CHECKs that there is one.
    T& value() & {
        CHECK(is_ok());
        return std::get<0>(state_);
    }
    const T& value() const& {
        CHECK(is_ok());
        return std::get<0>(state_);
    }
    T&& value() && {
        CHECK(is_ok());
        return std::move(std::get<0>(state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    /// The error. CHECKs that there is one.
    const Error& error() const& {
        CHECK(!is_ok());
        return std::get<1>(state_);
    }
    Error&& error() && {
        CHECK(!is_ok());
        return std::move(std::get<1>(state_));
    }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool is_ok() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return is_ok(); }
    void value() const { CHECK(is_ok()); }
    const Error& error() const& {
        CHECK(error_.has_value());
        return *error_;
    }
    Error&& error() && {
        CHECK(error_.has_value());
        return std::move(*error_);
    }

  private:
    std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace firedrill

/// Returns early with the error of a Result; yields its value otherwise. Not for coroutines (this project has
/// none).
#define TRY(expression)                            \
    ({                                             \
        auto try_result_ = (expression);           \
        if (!try_result_.is_ok()) [[unlikely]] {   \
            return std::move(try_result_).error(); \
        }                                          \
        std::move(try_result_).value();            \
    })
