// The node's own secrets: what the operator passphrase opens. Format: docs/formats/key_slots.md.
//
//   passphrase --Argon2id--> KEK --unwraps--> node key --unwraps--> the node's secrets below
//
// None of this opens a practice. The document is public bytes: it stands in every log segment and in
// `node.slots`.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "seams/entropy.h"
#include "store/page.h"

namespace firedrill::identity {

/// When the newest of each was made. Labels of the node's clock, for people who ask how old a secret is.
struct SecretDates {
    WallTime passphrase;
    WallTime directory;
    WallTime signing;
    WallTime authority;
    WallTime certificate;
    auto operator<=>(const SecretDates&) const = default;
};

struct NodeKeys {
    NodeId node;
    std::uint32_t passphrase_number = 1;         ///< 1, 2, 3 …: the passphrases that this node has had
    crypto::Secret node_key;                     ///< 32 bytes, another one for each passphrase
    crypto::Secret signing_seed;                 ///< Ed25519, signs log segments
    std::vector<crypto::Secret> former_signing;  ///< oldest first: close the segments begun under them
    store::KeyRing directory;                    ///< page keys of the directory store
    std::string authority_pem;                   ///< certificate authority that clients trust
    crypto::Secret authority_key_pem;            ///< its private key
    std::string chain_pem;                       ///< server certificate chain
    crypto::Secret tls_key_pem;                  ///< its private key
    SecretDates made;
};

/// A new node: fresh keys, one directory epoch for `timeline`; no certificates.
NodeKeys make_node_keys(TimelineId timeline, Entropy& entropy, WallTime now = {});
/// Blocking (Argon2id). At most 64 KiB.
Bytes seal_node_keys(const NodeKeys& keys, const crypto::Secret& passphrase, crypto::PasswordCost cost,
                     Entropy& entropy);
/// Same keys into a new document without the passphrase: the KEK slot of `document` is kept.
Result<Bytes> reseal_node_keys(const NodeKeys& keys, ByteView document, Entropy& entropy);
/// wrong_secret: the passphrase is another. damaged / newer_format / bad_input: the document is not one.
Result<NodeKeys> open_node_keys(ByteView document, const crypto::Secret& passphrase);
/// Which of the node's passphrases opens the document; read without a key, and proven only by opening it.
Result<std::uint32_t> passphrase_number_of(ByteView document);
/// Adds a directory epoch when the newest one is not of `timeline`. True when it did.
bool ensure_epoch(NodeKeys& keys, TimelineId timeline, Entropy& entropy, WallTime now = {});

// Replacements, in memory only; seal or reseal makes them durable. limit: the document holds no more.
/// The next passphrase's keys: another node key, so that the passphrase before opens none of what is sealed
/// from here on.
void renew_node_key(NodeKeys& keys, Entropy& entropy, WallTime now);
Status renew_directory(NodeKeys& keys, TimelineId timeline, Entropy& entropy, WallTime now);
Status renew_signing(NodeKeys& keys, Entropy& entropy, WallTime now);
/// An independent copy: what is to be replaced is changed in it, and takes its place when it is durable.
NodeKeys copy_node_keys(const NodeKeys& keys);

}  // namespace firedrill::identity
