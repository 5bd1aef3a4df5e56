// Node: the composition root of the server. Node(Config, Seams) is a value: power loss = destroy it.
//
// boot() blocks while it recovers; everything after runs on the loop. One channel for operators: `command`
// serves the control socket, the offline verbs and simulated operators alike.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "identity/identity.h"
#include "node/operator_secrets.h"
#include "node/parts.h"
#include "node/progress.h"
#include "seams/seams.h"
#include "store/restore.h"
#include "web/server.h"

namespace firedrill::node {

struct Config {
    Endpoint listen{"127.0.0.1:8443"};  ///< empty text: serve nobody (offline verbs)
    std::vector<std::string> hosts{"localhost",
                                   "127.0.0.1"};          ///< names in the certificate and accepted as Host
    crypto::PasswordCost cost = crypto::kProductionCost;  ///< of new passwords, and of old ones at sign-in
    identity::SecondFactorRule second_factor = identity::SecondFactorRule::optional;  ///< of staff
    SecretLimits secret_limits;
    std::string control;     ///< control socket endpoint ("unix:…"); empty: none
    bool serves_tls = true;  ///< false in simulated worlds only
    store::Lsn accept_loss_after = 0;
    std::function<void(std::string_view)> journal;  ///< operator messages, one sentence each
    std::function<void(const Error&)>
        on_fatal;  ///< the node cannot go on; the process exits / the machine restarts
};

/// Turns an empty data disk and empty log disks into a node's: fresh keys under `passphrase`, development
/// certificates, empty directory. Blocking, durable on ok. exists otherwise.
Status create_node(Seams seams, const Config& config, const Parts& parts, const crypto::Secret& passphrase);

class Node {
  public:
    /// Recovery, then the directory is opened and the server listens; `ready` runs on the loop when it
    /// serves.
    static Result<std::unique_ptr<Node>> boot(Seams seams, Config config, Parts parts,
                                              const crypto::Secret& passphrase,
                                              std::function<void(Status)> ready);
    virtual ~Node() = default;  ///< no I/O: as if power was lost

    virtual Endpoint local() const = 0;  ///< empty when it serves nobody
    virtual const std::string& authority_pem() const = 0;
    /// Lets requests finish, ends sessions, folds, then `then`. Ctrl-C.
    virtual void stop(std::function<void()> then) = 0;

    /// An operator's command: {"verb": "status" | "practice.create" | "practice.list" | …, …} → a JSON
    /// object. docs/control.md lists verbs and fields. bad_usage for an unknown verb or field.
    /// `progress` is called when the request asks for it, by a field "progress" that is "yes".
    virtual void command(std::string request, OnProgress progress,
                         std::function<void(Result<std::string>)> then) = 0;
    void command(std::string request, std::function<void(Result<std::string>)> then) {
        command(std::move(request), OnProgress(), std::move(then));
    }
    virtual store::Health health() const = 0;
    virtual identity::Identity& identity() = 0;
};

}  // namespace firedrill::node
