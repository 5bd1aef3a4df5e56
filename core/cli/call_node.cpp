#include "cli/call_node.h"

#include <fmt/format.h>

#include "cli/boot.h"

namespace firedrill::cli {

namespace {

/// Boots the node without serving, answers one request, stops it cleanly.
Result<std::string> call_folder(const Settled& settled, const std::string& request,
                                const crypto::Secret* known, const node::OnProgress& progress) {
    Passphrase passphrase;
    if (known != nullptr) {
        passphrase.secret = known->copy();
    } else {
        passphrase = TRY(obtain_passphrase(settled.place, false, false));
    }
    auto world = TRY(RealWorld::open(settled.place, MakeFolders::no));
    node::Config config;
    config.listen = Endpoint{};
    config.hosts = settled.settings.hosts;
    config.cost = settled.settings.cost;
    config.secret_limits = settled.settings.secrets;
    std::optional<Result<std::string>> answer;
    config.on_fatal = [&](const Error& error) {
        answer = Result<std::string>(error);
        world->stop();
    };
    std::unique_ptr<node::Node> node;
    auto on_ready = [&](Status ready) {
        if (!ready) {
            answer = Result<std::string>(std::move(ready).error());
            world->stop();
            return;
        }
        node->command(request, progress, [&](Result<std::string> got) {
            answer = std::move(got);
            node->stop([&] { world->stop(); });
        });
    };
    node = TRY(boot_node(*world, config, settled.place, passphrase, on_ready));
    passphrase = {};
    world->run();
    if (!answer) {
        return Error{Fault::closed, "interrupted before the node answered"};
    }
    return *std::move(answer);
}

}  // namespace

Result<std::string> call_node(const CommonOptions& options, const boost::json::object& request,
                              const crypto::Secret* known, node::OnProgress progress) {
    const Settled settled = TRY(settle(options));
    boost::json::object asked = request;
    if (progress) {
        asked["progress"] = "yes";
    }
    std::string line = boost::json::serialize(asked);
    Result<std::string> answer = call_running_node(control_endpoint(settled.place), line, progress);
    if (!answer && answer.error().fault == Fault::unavailable &&
        !node_answers(control_endpoint(settled.place))) {
        const Result<bool> is_there = node_exists(settled.place);
        answer = !is_there    ? Result<std::string>(is_there.error())
                 : !*is_there ? Result<std::string>(no_node(settled.place, ""))
                              : call_folder(settled, line, known, progress);
    }
    crypto::zeroise(line);
    return answer;
}

Result<std::string> call_node_with_progress(const CommonOptions& options,
                                            const boost::json::object& request) {
    ProgressLine line;
    Result<std::string> answer =
        call_node(options, request, nullptr, [&line](const node::CommandProgress& progress) {
            line.show(progress.what, progress.done, progress.total, progress.unit);
        });
    line.finish();
    return answer;
}

}  // namespace firedrill::cli
