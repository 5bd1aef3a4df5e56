// Where a node lives on this machine: settings, folders, passphrase, the authority's certificate.
#pragma once

#include <optional>

#include "cli/verbs.h"
#include "crypto/secret.h"
#include "node/settings.h"
#include "seams/entropy.h"

namespace firedrill::cli {

/// Command line over settings file over defaults; every path absolute.
struct Settled {
    Place place;
    node::Settings settings;
    std::string settings_path;       ///< of the file they came from; empty: there is none
    std::vector<std::string> hosts;  ///< that the command line named, where a verb takes them
};
Result<Settled> settle(const CommonOptions& options);
/// The same for a verb that was given a node's folder: ./firedrill.toml has its log folders only if it
/// names that folder, so that a copy is not looked at with the original's log.
Result<Settled> settle_folder(const CommonOptions& options);

/// What makes (`init`) or starts (`serve`) the node of this place: every folder, file and host that is
/// not what the verb takes anyway, quoted for a shell, so that it does as printed.
std::string command_line(std::string_view verb, const Settled& settled);

std::string data_folder(const Place& place);     ///< <data>/data
std::string authority_path(const Place& place);  ///< <data>/authority.pem
std::string control_endpoint(const Place& place);
/// A node was made there, to its end. damaged: files of one stand there and it is none, a restore that
/// did not end or a data folder that lost firedrill.node; nothing may be made over them, and the
/// sentence says what to do. newer_format and others are found at boot.
Result<bool> node_exists(const Place& place);
/// not_found, with the way out: where a log folder holds a log, that is a restore, else `otherwise`.
Error no_node(const Place& place, std::string_view otherwise);

struct Passphrase {
    crypto::Secret secret;
    bool was_drawn = false;  ///< made up by us: must be shown once
    bool was_typed = false;  ///< on the terminal: may be asked again
};
/// From --key-file or --passphrase-file (refused when it lies inside a folder of the node, or others may
/// read it), else from the systemd credential "firedrill.passphrase", else asked on the terminal (twice
/// for a new node), else, for a new demo node, drawn. bad_usage when there is no way to get one.
Result<Passphrase> obtain_passphrase(const Place& place, bool is_new, bool is_demo);
/// The next passphrase: from the file named (same refusals), else asked twice on the terminal.
Result<crypto::Secret> obtain_new_passphrase(const Place& place, const std::string& passphrase_file,
                                             const std::string& key_file);

/// Asks on the terminal; nullopt when there is none. ask_new_secret asks twice: bad_input when the two
/// differ.
Result<std::optional<crypto::Secret>> ask_secret(const std::string& what);
Result<std::optional<crypto::Secret>> ask_new_secret(const std::string& what);

/// Replaces <data>/authority.pem.
Status write_authority(const Place& place, const std::string& pem);
/// Five groups of four out of 32 letters and digits: 100 bits.
std::string draw_readable(Entropy& entropy);

}  // namespace firedrill::cli
