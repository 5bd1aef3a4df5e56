#include "cli/app.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/exit_codes.h"
#include "cli/verbs.h"
#include "posix/secure_process.h"

namespace firedrill::cli {

namespace {

void add_common(CLI::App& verb, CommonOptions& to) {
    verb.add_option("--data", to.place.data, "The node's folder (default: firedrill-data)");
    verb.add_option("--log", to.place.logs,
                    "A log folder, best on another disk; repeat for mirrors (default: DATA/log)");
    verb.add_option("--passphrase-file", to.place.passphrase_file,
                    "File with the node's passphrase, outside the data folder (default: the systemd "
                    "credential firedrill.passphrase, else ask on the terminal)");
    verb.add_option("--key-file", to.place.key_file,
                    "File with 32 to 1024 random bytes in place of a passphrase, outside the data folder");
    verb.add_option("--config", to.settings_file, "Settings file (default: ./firedrill.toml when it exists)");
    verb.add_flag_callback("--json", [&to] { to.format = Format::json; }, "Print exactly one JSON value");
}

void add_serve(CLI::App& app, Verb& chosen, ServeOptions& options) {
    CLI::App* serve_verb = app.add_subcommand("serve", "Run a node until Ctrl-C");
    add_common(*serve_verb, options.common);
    serve_verb->add_option("--listen", options.listen,
                           "Address and port (default: 127.0.0.1:8443; port 0: any)");
    serve_verb->add_option("--host", options.hosts,
                           "Name the site answers to; repeat (default: localhost, 127.0.0.1)");
    serve_verb->add_flag("--demo", options.is_demo, "Make the node and a demo practice where there are none");
    serve_verb->add_option("--accept-loss-after", options.accept_loss_after,
                           "Start although log records above this LSN may be lost (read the refusal first)");
    serve_verb->callback([&] { chosen = [&] { return serve(std::move(options)); }; });

    CLI::App* init_verb = app.add_subcommand("init", "Make an empty node");
    add_common(*init_verb, options.common);
    init_verb->add_option("--host", options.hosts,
                          "Name for the certificate; repeat (default: localhost, 127.0.0.1)");
    init_verb->callback([&] { chosen = [&] { return init(std::move(options)); }; });
}

void add_practice(CLI::App& app, Verb& chosen, PracticeOptions& options) {
    CLI::App* group = app.add_subcommand("practice", "Practices of a node");
    group->require_subcommand(1);
    auto add = [&](const char* name, const char* help) {
        CLI::App* verb = group->add_subcommand(name, help);
        add_common(*verb, options.common);
        verb->callback([&, name] {
            options.verb = name;
            chosen = [&] { return practice(std::move(options)); };
        });
        return verb;
    };
    CLI::App* create =
        add("create", "Make a practice; its owner is invited, and chooses their own password on the web");
    create->add_option("name", options.name, "Short name, 2-40 of a-z 0-9 -")->required();
    create->add_option("--title", options.title, "Name as people read it")->required();
    create->add_option("--owner", options.login, "The owner's login name")->required();
    create->add_option("--password-file", options.password_file,
                       "For scripts: file with the owner's password, readable by its owner only (default: an "
                       "invitation is printed)");
    add("list", "All practices");
    add("show", "One practice")->add_option("name", options.name, "Its short name")->required();
    add("compact",
        "Give the space of a practice's free pages back to the disk, while it is in use; somebody of it must "
        "be signed in")
        ->add_option("name", options.name, "Its short name")
        ->required();
    CLI::App* status_verb =
        app.add_subcommand("status", "Health of a node: stores, log disks, recovery notes");
    add_common(*status_verb, options.common);
    status_verb->callback([&] { chosen = [&] { return status(std::move(options.common)); }; });
}

void add_staff(CLI::App& app, Verb& chosen, StaffOptions& options) {
    CLI::App* group = app.add_subcommand("staff", "People of a practice");
    group->require_subcommand(1);
    auto add = [&](const char* name, const char* help) {
        CLI::App* verb = group->add_subcommand(name, help);
        add_common(*verb, options.common);
        verb->add_option("practice", options.practice, "The practice's short name")->required();
        verb->callback([&, name] {
            options.verb = name;
            chosen = [&] { return staff(std::move(options)); };
        });
        return verb;
    };
    add("list", "Everybody with an account, and open invitations");
    CLI::App* invite =
        add("add", "Invite a colleague: an owner's password is asked, the invitation code printed once");
    invite->add_option("login", options.login, "Their sign-in name: 2-64 of a-z 0-9 . _ @ -")->required();
    invite->add_option("--role", options.role, "owner, clinician, \"front desk\", biller or read-only")
        ->required();
    invite->add_option("--owner", options.owner, "Sign-in name of the owner who invites")->required();
    invite->add_option("--password-file", options.password_file,
                       "File with the owner's password, readable by its owner only (default: asked)");
    invite->add_option("--code", options.code,
                       "Code of the owner's second factor, when they have one (it is good once)");
    add("sign-out", "End every session of the practice now; nothing they have not sent is kept");
    add("disable",
        "Switch an account off and end its sessions; an owner's next sign-in replaces the practice's key")
        ->add_option("login", options.login, "Their sign-in name")
        ->required();
}

void add_secrets(CLI::App& app, Verb& chosen, SecretsOptions& options) {
    CLI::App* group = app.add_subcommand("secrets", "The node's own secrets: how old they are, new ones");
    group->require_subcommand(1);
    auto add = [&](const char* name, const char* help) {
        CLI::App* verb = group->add_subcommand(name, help);
        add_common(*verb, options.common);
        verb->callback([&, name] {
            options.verb = name;
            chosen = [&] { return secrets(std::move(options)); };
        });
        return verb;
    };
    add("list", "What there is, its age, and when it is due; ends with 19 when one is overdue");
    CLI::App* rotate = add("rotate", "Replace one, while the node runs or not");
    rotate->add_option("secret", options.secret, "passphrase, directory, signing, certificate or authority")
        ->required();
    rotate->add_option("--new-passphrase-file", options.new_passphrase_file,
                       "File with the new passphrase (default: ask on the terminal)");
    rotate->add_option("--new-key-file", options.new_key_file, "File with the random bytes to use instead");
}

void add_authority(CLI::App& app, Verb& chosen, Format& format) {
    CLI::App* verb = app.add_subcommand("authority", "Print who may do what inside a practice");
    verb->add_flag_callback("--json", [&format] { format = Format::json; }, "Print exactly one JSON value");
    verb->callback([&] { chosen = [&] { return authority(format); }; });
}

void add_restore(CLI::App& app, Verb& chosen, RestoreVerbOptions& options) {
    CLI::App* verb = app.add_subcommand("restore",
                                        "Rebuild a node's folder from its log (--from, --to), or take one "
                                        "practice of a node back to an earlier "
                                        "state (--practice); without any practice's key");
    add_common(*verb, options.common);
    verb->add_option("--from", options.from, "Folder with log segments (repeat for mirrors); only read");
    verb->add_option("--to", options.to, "New folder; must not exist or be empty");
    verb->add_option("--practice", options.practice, "Short name of the one practice");
    verb->add_option("--until", options.until,
                     "Stop after this LSN, which must be in the log (a node: default everything)");
    verb->add_option("--timeline", options.timeline,
                     "For a node: the history to restore, by its id, where the log folders hold several that "
                     "went on beside one another (without it such a restore is refused and lists them)");
    verb->add_option("--at", options.at, "For a practice: as it stood at this time, YYYY-MM-DDTHH:MM:SSZ");
    verb->add_flag("--yes", options.is_confirmed,
                   "For a practice: do it (default: only say what would be lost)");
    verb->add_flag("--end-sessions", options.ends_sessions,
                   "With --yes: sign everybody of the practice out first");
    verb->callback([&] { chosen = [&] { return restore(std::move(options)); }; });
}

void add_store(CLI::App& app, Verb& chosen, StoreOptions& options) {
    CLI::App* group = app.add_subcommand("store", "Look at a node's stores and log without any key");
    group->require_subcommand(1);
    auto add = [&](const char* name, const char* help) {
        CLI::App* verb = group->add_subcommand(name, help);
        verb->add_option("DIR", options.common.place.data, "The node's folder")->required();
        verb->add_option(
            "--log", options.common.place.logs,
            "Its log folders (default: those of the settings file; of ./firedrill.toml only when "
            "it names DIR; else DIR/log)");
        verb->add_option("--config", options.common.settings_file,
                         "Settings file (default: ./firedrill.toml when it exists)");
        verb->add_flag_callback(
            "--json", [&] { options.common.format = Format::json; }, "Print exactly one JSON value");
        verb->callback([&, name] {
            options.verb = name;
            chosen = [&] { return store(std::move(options)); };
        });
        return verb;
    };
    add("inspect", "What is there: stores, sizes, LSNs, log disks");
    add("verify", "Read and check every page and record");
    add("scrub", "Read every page and record and mend what log and mirror have right; the node must not run");
    add("cover",
        "Verify a copy of the log's closed segments, every byte of it, and tell the running node: what is "
        "folded and in the copy goes from its log disks. Ends with 9 when the copy is damaged or incomplete, "
        "14 when it is another's or not on another device")
        ->add_option("--copy", options.copy,
                     "Folder, on another device, with a copy of the whole log since LSN 1; only read")
        ->required();
}

/// What was asked for where the command line could not be understood.
Format asks_for_json(int argc, char** argv) {
    return std::any_of(argv, argv + argc, [](const char* each) { return std::string_view(each) == "--json"; })
               ? Format::json
               : Format::text;
}

}  // namespace

int run_app(int argc, char** argv, const std::vector<AddVerbs>& more) {
    Result<std::string> secured = posix::secure_process();
    if (!secured) {
        return fail(secured.error(), Format::text);
    }
    CLI::App app{
        "Firedrill: a server that keeps a practice's forms safe and secure, and a simulator that burns it "
        "down"};
    app.set_version_flag("--version", version_text());
    app.require_subcommand(1);
    app.footer("Exit codes: docs/exit_codes.md. Every verb has --help.");
    Verb chosen;
    ServeOptions serve_options;
    serve_options.memory_note = std::move(secured).value();
    PracticeOptions practice_options;
    StaffOptions staff_options;
    SecretsOptions secrets_options;
    Format authority_format = Format::text;
    RestoreVerbOptions restore_options;
    StoreOptions store_options;
    add_serve(app, chosen, serve_options);
    add_practice(app, chosen, practice_options);
    add_staff(app, chosen, staff_options);
    add_secrets(app, chosen, secrets_options);
    add_authority(app, chosen, authority_format);
    add_restore(app, chosen, restore_options);
    add_store(app, chosen, store_options);
    for (const AddVerbs& add : more) {
        add(app, chosen);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::RequiredError& error) {
        const Format format = asks_for_json(argc, argv);
        const bool is_unknown = argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty();
        return fail(
            {Fault::bad_usage, is_unknown ? fmt::format("unknown verb \"{}\" (see firedrill --help)", argv[1])
                                          : fmt::format("{} (see firedrill --help)", error.what())},
            format);
    } catch (const CLI::ParseError& error) {
        return fail({Fault::bad_usage, fmt::format("{} (see firedrill --help)", error.what())},
                    asks_for_json(argc, argv));
    }
    const int code = chosen();
    if (code == static_cast<int>(ExitCode::ok) && std::ferror(stdout) != 0) {
        return fail({Fault::disk_failed,
                     "standard output took not all that was printed; call again with a "
                     "place for it"},
                    Format::text);
    }
    return code;
}

}  // namespace firedrill::cli
