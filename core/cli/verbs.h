// The server's own verbs as plain functions: each returns the process's exit code (docs/exit_codes.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cli/output.h"

namespace firedrill::cli {

/// Where a node lives: <data>/data and <data>/log unless `logs` says otherwise.
struct Place {
    std::string data;
    std::vector<std::string> logs;
    std::string passphrase_file;
    std::string key_file;
};
/// Values from the command line; empty ones fall back to firedrill.toml (`settings_file`, or ./firedrill.toml
/// when that exists), then to defaults.
struct CommonOptions {
    Place place;
    std::string settings_file;
    Format format = Format::text;
};

struct ServeOptions {
    CommonOptions common;
    std::string listen;
    std::vector<std::string> hosts;
    bool is_demo = false;
    std::string memory_note;  ///< why keys may not all be locked into memory; empty: they are
    std::uint64_t accept_loss_after = 0;
};
/// Serves until SIGINT or SIGTERM. `is_demo` makes the node and a demo practice where there are none.
int serve(ServeOptions options);
/// Makes an empty node.
int init(ServeOptions options);

struct PracticeOptions {
    CommonOptions common;
    std::string verb;  ///< create, list, show, compact
    std::string name;
    std::string title;
    std::string login;
    std::string password_file;  ///< create: of the owner; empty: the owner is invited
};
/// Over the running node's control socket, else over the folder itself.
int practice(PracticeOptions options);
int status(CommonOptions options);

struct StaffOptions {
    CommonOptions common;
    std::string verb;  ///< add, list, disable, sign-out
    std::string practice;
    std::string login;
    std::string role;           ///< add: of the new colleague
    std::string owner;          ///< add: who invites
    std::string password_file;  ///< add: of the owner; empty: asked on the terminal
    std::string code;           ///< add: of the owner's second factor; empty: they have none
};
/// What the operator can do without keys: see who is there, and switch an account off. add: what an owner can
/// do here.
int staff(StaffOptions options);

struct SecretsOptions {
    CommonOptions common;
    std::string verb;    ///< list, rotate
    std::string secret;  ///< passphrase, directory, signing, certificate, authority
    std::string new_passphrase_file;
    std::string new_key_file;
};
/// How old the operator's secrets are, and their replacement. `list` ends with `overdue` when one is.
int secrets(SecretsOptions options);

/// Prints who may do what inside a practice.
int authority(Format format);

struct RestoreVerbOptions {
    std::vector<std::string> from;
    std::string to;
    std::optional<std::uint64_t> until;  ///< not given: everything
    std::string
        practice;    ///< not empty: only it, in a node that goes on; else a whole node, from `from` to `to`
    std::string at;  ///< a time, for a practice
    std::string timeline;  ///< for a node: the history to follow, where the log folders hold several
    bool is_confirmed = false;
    bool ends_sessions = false;  ///< of that practice, before it is taken back
    CommonOptions common;        ///< for a practice; its format and log folders in any case
};
int restore(RestoreVerbOptions options);
/// Parts of restore().
Result<std::optional<TimelineId>> wanted_timeline(const RestoreVerbOptions& options);
/// Of a whole node: as fail(), and with --json the timelines that the log folders hold, where there are
/// several.
int fail_restore(const Error& error, const RestoreVerbOptions& options);
int restore_practice(const RestoreVerbOptions& options);

struct StoreOptions {
    CommonOptions common;
    std::string verb;  ///< inspect, verify, scrub, cover
    std::string copy;  ///< cover: the folder with the copy
};
int store(StoreOptions options);
/// Part of store(): verifies a copy of the log and tells the running node.
int store_cover(const StoreOptions& options);

/// "firedrill 0.1.0 (commit …)\nBotan 3.13.0 …".
std::string version_text();

}  // namespace firedrill::cli
