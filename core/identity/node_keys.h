// The node's own secrets: what the operator passphrase opens. Format: docs/formats/key_slots.md.
//
//   passphrase --Argon2id--> KEK --unwraps--> node key --unwraps--> the node's secrets below
//
// None of this opens a practice. The document is public bytes: it stands in every log segment and in
// `node.slots`.
#pragma once

#include <string>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "seams/entropy.h"
#include "store/page.h"

namespace firedrill::identity {

struct NodeKeys {
    NodeId node;
    crypto::Secret node_key;      ///< 32 bytes
    crypto::Secret signing_seed;  ///< Ed25519, signs log segments
    store::KeyRing directory;     ///< page keys of the directory store
    std::string authority_pem;    ///< certificate authority that clients trust
    std::string chain_pem;        ///< server certificate chain
    crypto::Secret tls_key_pem;   ///< its private key
};

/// A new node: fresh keys, one directory epoch for `timeline`.
NodeKeys make_node_keys(TimelineId timeline, Entropy& entropy);
/// Blocking (Argon2id). At most 64 KiB.
Bytes seal_node_keys(const NodeKeys& keys, const crypto::Secret& passphrase, crypto::PasswordCost cost,
                     Entropy& entropy);
/// Same keys into a new document without the passphrase: the KEK slot of `document` is kept.
Result<Bytes> reseal_node_keys(const NodeKeys& keys, ByteView document, Entropy& entropy);
/// wrong_secret: the passphrase is another. damaged / newer_format / bad_input: the document is not one.
Result<NodeKeys> open_node_keys(ByteView document, const crypto::Secret& passphrase);
/// Adds a directory epoch when the newest one is not of `timeline`. True when it did.
bool ensure_epoch(NodeKeys& keys, TimelineId timeline, Entropy& entropy);

}  // namespace firedrill::identity
