#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdlib>

#include "cli/boot.h"
#include "cli/exit_codes.h"
#include "cli/place.h"
#include "cli/real_world.h"
#include "cli/verbs.h"
#include "node/node.h"

namespace firedrill::cli {

namespace {

constexpr std::string_view kDemoPractice = "demo";
constexpr std::string_view kDemoOwner = "owner";

/// One run of `serve`: from the folder to the last handler.
class Serving {
  public:
    Serving(ServeOptions options, Settled settled)
        : options_(std::move(options)), settled_(std::move(settled)), format_(options_.common.format) {}

    int run() {
        Result<int> code = run_checked();
        return code ? *code : fail(code.error(), format_);
    }

  private:
    Result<int> run_checked() {
        const bool is_new = !TRY(node_exists(settled_.place));
        if (is_new && !options_.is_demo) {
            return no_node(settled_.place,
                           fmt::format("; make one with: {}", command_line("init", settled_)));
        }
        if (is_new) {
            TRY(check_port_is_free(Endpoint{settled_.settings.listen}));
        }
        passphrase_ = TRY(obtain_passphrase(settled_.place, is_new, options_.is_demo));
        world_ = TRY(RealWorld::open(settled_.place, is_new ? MakeFolders::yes : MakeFolders::no));
        if (!options_.memory_note.empty()) {
            note("node: " + options_.memory_note + "; until then keys may reach swap space");
        }
        node::Config config = make_config();
        if (is_new) {
            note(fmt::format("making a node in {} …", settled_.place.data));
            TRY(node::create_node(world_->seams(), config, {}, passphrase_.secret));
        }
        node_ = TRY(boot_node(*world_, config, settled_.place, passphrase_,
                              [this](Status ready) { on_ready(std::move(ready)); }));
        if (!passphrase_.was_drawn) {
            passphrase_.secret = {};  // the node key is open: from here on nobody needs it
        }
        world_->on_stop_signal([this] { stop(); });
        world_->run();
        return exit_code_;
    }

    node::Config make_config() {
        node::Config config;
        config.listen = Endpoint{settled_.settings.listen};
        config.hosts = settled_.settings.hosts;
        config.cost = settled_.settings.cost;
        config.second_factor = settled_.settings.staff_second_factor;
        config.secret_limits = settled_.settings.secrets;
        config.control = control_endpoint(settled_.place);
        config.accept_loss_after = options_.accept_loss_after;
        config.journal = [](std::string_view line) { note(fmt::format("node: {}", line)); };
        config.on_fatal = [this](const Error& error) {
            // Nothing may be answered any more: leave at once, without destructors, as a power cut would.
            std::_Exit(fail(error, format_));
        };
        return config;
    }

    void end_with(Error error) {
        exit_code_ = fail(error, format_);
        world_->stop();
    }

    void on_ready(Status ready) {
        if (!ready) {
            end_with(std::move(ready).error());
            return;
        }
        if (Status written = write_authority(settled_.place, node_->authority_pem()); !written) {
            end_with(std::move(written).error());
            return;
        }
        if (!options_.is_demo || node_->identity().find_practice(kDemoPractice)) {
            announce("", "");
            return;
        }
        std::string password = draw_readable(world_->seams().entropy);
        identity::NewPractice demo{std::string(kDemoPractice), "Demo Physical Therapy",
                                   std::string(kDemoOwner), crypto::Secret(as_bytes(password))};
        node_->identity().create_practice(std::move(demo),
                                          [this, password](Result<identity::PracticeInfo> made) {
                                              if (!made) {
                                                  end_with(std::move(made).error());
                                                  return;
                                              }
                                              announce(password, made->recovery_code);
                                          });
    }

    void announce(const std::string& password, const std::string& recovery_code) {
        const std::string endpoint = node_->local().text;
        const std::string authority = authority_path(settled_.place);
        const std::string passphrase =
            passphrase_.was_drawn ? std::string(as_text(passphrase_.secret.view())) : std::string();
        passphrase_.secret = {};  // shown below, once
        if (format_ == Format::json) {
            boost::json::object out{
                {"endpoint", endpoint}, {"data", settled_.place.data}, {"ca_file", authority}};
            if (!passphrase.empty()) {
                out["passphrase"] = passphrase;
            }
            if (!password.empty()) {
                out["practice"] = kDemoPractice;
                out["login"] = kDemoOwner;
                out["password"] = password;
                out["recovery_code"] = recovery_code;
            }
            print_line(boost::json::serialize(out));
            return;
        }
        print_line(fmt::format("serving   https://{}/", endpoint));
        print_line(fmt::format("authority {}   (curl --cacert, or import it into a browser)", authority));
        if (!passphrase.empty()) {
            print_line(
                fmt::format("passphrase {}   of this node; shown once, needed at every start", passphrase));
        }
        if (!password.empty()) {
            print_line(fmt::format("sign in   practice {}, login {}, password {}   (shown once)",
                                   kDemoPractice, kDemoOwner, password));
            print_line(
                fmt::format("recovery  {}   opens that practice when its passwords are lost (shown once)",
                            recovery_code));
        }
        print_line("Ctrl-C ends it.");
    }

    void stop() {
        if (is_stopping_) {
            std::_Exit(exit_code_);  // the second signal: at once; what was confirmed is durable already
        }
        is_stopping_ = true;
        note("stopping …");
        node_->stop([this] { world_->stop(); });
    }

    ServeOptions options_;
    Settled settled_;
    Format format_;
    Passphrase passphrase_;
    std::unique_ptr<RealWorld> world_;
    std::unique_ptr<node::Node> node_;
    int exit_code_ = 0;
    bool is_stopping_ = false;
};

}  // namespace

int serve(ServeOptions options) {
    Result<Settled> settled = settle(options.common);
    if (!settled) {
        return fail(settled.error(), options.common.format);
    }
    if (!options.listen.empty()) {
        settled->settings.listen = options.listen;
    }
    if (!options.hosts.empty()) {
        settled->settings.hosts = options.hosts;
    }
    settled->hosts = options.hosts;
    return Serving(std::move(options), std::move(settled).value()).run();
}

int init(ServeOptions options) {
    const Format format = options.common.format;
    auto make = [&]() -> Result<Settled> {
        Settled settled = TRY(settle(options.common));
        settled.hosts = options.hosts;
        if (TRY(node_exists(settled.place))) {
            return Error{Fault::exists,
                         fmt::format("{} holds a node already; nothing was changed", settled.place.data)};
        }
        Passphrase passphrase = TRY(obtain_passphrase(settled.place, true, false));
        auto world = TRY(RealWorld::open(settled.place, MakeFolders::yes));
        node::Config config;
        config.hosts = options.hosts.empty() ? settled.settings.hosts : options.hosts;
        config.cost = settled.settings.cost;
        config.secret_limits = settled.settings.secrets;
        TRY(node::create_node(world->seams(), config, {}, passphrase.secret));
        return settled;
    };
    const Result<Settled> made = make();
    if (!made) {
        return fail(made.error(), format);
    }
    const std::string start = command_line("serve", *made);
    print_line(format == Format::json
                   ? boost::json::serialize(boost::json::object{{"data", made->place.data}, {"start", start}})
                   : fmt::format("made a node in {}; start it with: {}", made->place.data, start));
    return 0;
}

}  // namespace firedrill::cli
