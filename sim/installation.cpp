#include "sim/installation.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/check.h"
#include "sim/planted.h"
#include "sim/world.h"

namespace firedrill::sim {

std::vector<Disk*> DiskSet::log_pointers() const {
    std::vector<Disk*> out;
    for (const auto& log : logs) {
        out.push_back(log.get());
    }
    return out;
}

std::vector<SimDisk*> DiskSet::all() const {
    std::vector<SimDisk*> out{data.get()};
    for (const auto& log : logs) {
        out.push_back(log.get());
    }
    return out;
}

Installation::Installation(World& world) : world_(world), disks_(make_disks()) {}

Installation::~Installation() {
    tear_down();
}

DiskSet Installation::make_disks() {
    ++set_count_;
    SimDiskOptions options;
    options.model = world_.scenario.topology.disk == "hdd" ? kHardDisk : kSataSsd;
    auto make = [&](const std::string& role, Medium medium) {
        const std::string label = fmt::format("set{}/{}", set_count_, role);
        auto disk = world_.universe.make_disk(label, options);
        disk->set_tap([this, label, medium](std::string_view file, std::uint64_t offset, ByteView bytes) {
            const std::string name(file);
            world_.trace.add(world_.now(), TraceKind::disk_write, label + "/" + name, bytes);
            world_.secrecy.sector(medium, label, name, offset, bytes, world_.now());
        });
        return disk;
    };
    DiskSet set;
    set.data = make("data", Medium::data_disk);
    for (std::uint32_t i = 0; i < world_.scenario.topology.log_disks; ++i) {
        set.logs.push_back(make(fmt::format("log{}", i), Medium::log_disk));
    }
    return set;
}

void Installation::adopt(DiskSet disks) {
    CHECK(!is_up());
    retired_.push_back(std::move(disks_));
    disks_ = std::move(disks);
}

node::Config Installation::make_config(std::uint32_t incarnation) {
    node::Config config;
    config.listen = {fmt::format("{}:443", kNodeAddress)};
    config.hosts = {kNodeHost};
    config.cost = crypto::kToyCost;  // the production cost is charged in virtual time
    config.serves_tls = world_.scenario.workload.tls;
    config.journal = [this](std::string_view line) {
        world_.note(TraceKind::journal, "node", line);
        world_.secrecy.journal(line, world_.now());
        world_.tell(fmt::format("node: {}", line));
    };
    config.on_fatal = [this, incarnation](const Error& error) {
        const std::string why = fmt::format("the node gave up: {}", error.text);
        world_.universe.loop.post([this, incarnation, why] { went_down(incarnation, why); });
    };
    return config;
}

void Installation::switch_on() {
    CHECK(machine_ == nullptr);
    ++incarnation_;
    std::vector<SimDisk*> disks = disks_.all();
    machine_ =
        std::make_unique<Machine>(world_.universe, fmt::format("node#{}", incarnation_), kNodeAddress, disks);
    machine_->on_power_lost = [this, incarnation = incarnation_] {
        world_.universe.loop.post([this, incarnation] { went_down(incarnation, "power was lost"); });
    };
}

void Installation::tear_down() {
    if (machine_) {
        machine_->on_power_lost = nullptr;
        machine_->kill_process();
    }
    repaired_before_ = repaired_pages();
    node_.reset();
    machine_.reset();
}

std::uint64_t Installation::repaired_pages() const {
    std::uint64_t sum = repaired_before_;
    if (node_) {
        for (const store::StoreHealth& store : node_->health().stores) {
            sum += store.repaired_pages;
        }
    }
    return sum;
}

void Installation::went_down(std::uint32_t incarnation, const std::string& why) {
    if (incarnation != incarnation_ || !machine_) {
        return;
    }
    tear_down();
    world_.note(TraceKind::operation, "node", why);
    world_.tell(why);
    if (on_down) {
        on_down(why);
    }
}

Status Installation::create() {
    switch_on();
    const crypto::Secret passphrase(as_bytes(world_.passphrase));
    Status created = node::create_node(machine_->seams(), make_config(incarnation_),
                                       make_parts(world_, *disks_.data), passphrase);
    tear_down();
    return created;
}

void Installation::boot(Then then) {
    switch_on();
    const std::uint32_t incarnation = incarnation_;
    SimLoop& loop = world_.universe.loop;
    world_.universe.meter.take();
    const crypto::Secret passphrase(as_bytes(world_.passphrase));
    auto ready = [this, incarnation, then, &loop](Status status) {
        const bool is_ok = status.is_ok();
        const Error error = is_ok ? Error{} : status.error();
        loop.post([this, incarnation, then, is_ok, error] {
            if (incarnation != incarnation_ || !machine_) {
                return;  // it went down again in between; on_down has been told
            }
            if (!is_ok) {
                tear_down();
                then(error);
                return;
            }
            then({});
        });
    };
    auto booted = node::Node::boot(machine_->seams(), make_config(incarnation),
                                   make_parts(world_, *disks_.data), passphrase, ready);
    // Recovery blocked the process for this long: nobody gets an answer before.
    const Duration cost = world_.universe.meter.take();
    for (const char* desk : kDeskAddresses) {
        world_.universe.network.clog(desk, kNodeAddress, loop.now() + cost);
    }
    if (booted) {
        node_ = std::move(booted).value();
        return;
    }
    const Error error = booted.error();
    loop.call_after(cost, [this, incarnation, then, error] {
        if (incarnation == incarnation_ && machine_ && machine_->is_on()) {
            tear_down();
            then(error);
        }
    });
}

void Installation::create_practices(Then then) {
    create_practice(0, std::move(then));
}

void Installation::create_practice(std::size_t index, Then then) {
    if (index == world_.practices.size()) {
        then({});
        return;
    }
    if (!node_) {
        then(Error{Fault::closed, "the node went down while practices were made"});
        return;
    }
    const PracticeAccount& account = world_.practices[index];
    const boost::json::object request{{"verb", "practice.create"},
                                      {"name", account.name},
                                      {"title", account.title},
                                      {"login", account.login},
                                      {"password", account.password}};
    SimLoop& loop = world_.universe.loop;
    node_->command(boost::json::serialize(request), [this, index, then, &loop](Result<std::string> made) {
        const Status status = made ? Status() : Status(made.error());
        loop.post([this, index, then, status] {
            if (!status) {
                then(status);
                return;
            }
            create_practice(index + 1, then);
        });
    });
}

void Installation::stop(std::function<void()> then) {
    CHECK(is_up());
    SimLoop& loop = world_.universe.loop;
    node_->stop([this, incarnation = incarnation_, then = std::move(then), &loop] {
        loop.post([this, incarnation, then] {
            if (incarnation == incarnation_ && machine_) {
                tear_down();
                then();
            }
        });
    });
}

void Installation::kill_process() {
    if (machine_) {
        tear_down();
    }
}

void Installation::crash() {
    went_down(incarnation_, "the process crashed");
}

void Installation::cut_power() {
    if (machine_) {
        machine_->cut_power();  // on_power_lost posts the rest
    }
}

void Installation::cut_power_within(std::size_t disk, std::uint64_t operations) {
    std::vector<SimDisk*> all = disks_.all();
    all[disk % all.size()]->cut_power_after(operations);
}

}  // namespace firedrill::sim
