// The steps of random histories over several stores, on a real database and on a plain model.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "store_world.h"

namespace firedrill::store {

inline constexpr std::string_view kCanary = "CANARYoftheday";
inline constexpr std::uint32_t kModelStores = 4;

enum class Verb : std::uint8_t {
    insert,
    update,
    remove,
    bulk,
    make_index,
    drop_index,
    roll_back,
    savepoint,
    failing_statement,
    vacuum,
    relock,
    fold,
    restart,
};
inline constexpr std::uint32_t kVerbs = 13;

/// What a node does for its own sake, or an operator asks of it, between the steps of a history.
enum class Care : std::uint8_t {
    compact,      ///< free pages are given back
    take_back,    ///< one store goes back to an earlier state
    refill_disk,  ///< a log disk fails, is filled up and joins again
    drop_old,     ///< closed segments that are folded and covered go
    fold_all,     ///< the stores fold at once
};
inline constexpr std::size_t kCares = 5;

struct Step {
    Verb verb{};
    std::uint32_t store = 1;
    std::uint32_t key = 0;
    std::uint32_t size = 0;
    bool is_waited_for = true;   // the next step starts only when this one answered
    std::optional<Care> care{};  // instead of the verb
};
using History = std::vector<Step>;
using Rows = std::map<std::int64_t, std::string>;

inline std::ostream& operator<<(std::ostream& out, const Step& step) {
    if (step.care) {
        return out << "{Care(" << int(*step.care) << "), " << step.store << ", " << step.key << "}";
    }
    return out << "{Verb(" << int(step.verb) << "), " << step.store << ", " << step.key << ", " << step.size
               << ", " << step.is_waited_for << "}";
}

inline std::string body_of(const Step& step, std::uint32_t nth = 0) {
    return fmt::format("{}-{}-{}-{}", kCanary, step.key, nth, std::string(step.size % 700, 'x'));
}

inline void apply_to_model(const Step& step, Rows& rows) {
    switch (step.verb) {
        case Verb::insert:
        case Verb::savepoint:
        case Verb::failing_statement: rows[step.key] = body_of(step); break;
        case Verb::update:
            for (auto& [id, body] : rows) {
                if (id % 3 == step.key % 3) {
                    body = body_of(step);
                }
            }
            break;
        case Verb::remove:
            std::erase_if(rows, [&](const auto& row) { return row.first % 4 == step.key % 4; });
            break;
        case Verb::bulk:
            for (std::uint32_t nth = 0; nth < 20 + step.size % 60; ++nth) {
                rows[1000 + step.key * 100 + nth] = body_of(step, nth);
            }
            break;
        case Verb::make_index:
        case Verb::drop_index:
        case Verb::roll_back:
        case Verb::vacuum:
        case Verb::relock:
        case Verb::fold:
        case Verb::restart: break;
    }
}

inline Status put(Database& database, std::int64_t id, const std::string& body) {
    auto statement = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
    return statement.bind(1, id).bind(2, std::string_view(body)).run();
}

inline Status run_step(const Step& step, Database& database) {
    switch (step.verb) {
        case Verb::insert: return put(database, step.key, body_of(step));
        case Verb::update: {
            auto statement = TRY(database.prepare("UPDATE note SET body = ?1 WHERE id % 3 = ?2"));
            return statement.bind(1, std::string_view(body_of(step)))
                .bind(2, std::int64_t{step.key % 3})
                .run();
        }
        case Verb::remove: {
            auto statement = TRY(database.prepare("DELETE FROM note WHERE id % 4 = ?1"));
            return statement.bind(1, std::int64_t{step.key % 4}).run();
        }
        case Verb::bulk:
            for (std::uint32_t nth = 0; nth < 20 + step.size % 60; ++nth) {
                TRY(put(database, 1000 + step.key * 100 + nth, body_of(step, nth)));
            }
            return {};
        case Verb::make_index: return database.execute("CREATE INDEX IF NOT EXISTS by_body ON note (body)");
        case Verb::drop_index: return database.execute("DROP INDEX IF EXISTS by_body");
        case Verb::roll_back:
            TRY(put(database, step.key, body_of(step)));
            TRY(database.execute("DELETE FROM note WHERE id % 2 = 0"));
            return Error{Fault::bad_input, "rolled back"};
        case Verb::savepoint:
            TRY(put(database, step.key, body_of(step)));
            TRY(database.execute("SAVEPOINT inner_work"));
            TRY(database.execute("DELETE FROM note"));
            TRY(database.execute("ROLLBACK TO inner_work"));
            return database.execute("RELEASE inner_work");
        case Verb::failing_statement: {
            TRY(put(database, step.key, body_of(step)));
            auto statement = TRY(database.prepare("INSERT INTO note (id, body) VALUES (?1, 'twice')"));
            const Status twice = statement.bind(1, std::int64_t{step.key}).run();
            return !twice && twice.error().fault == Fault::exists
                       ? Status()
                       : (twice ? Status(Error{Fault::internal, "a duplicate went in"}) : twice);
        }
        case Verb::vacuum: return database.execute("PRAGMA incremental_vacuum");
        case Verb::relock:
        case Verb::fold:
        case Verb::restart: break;
    }
    return {};
}

inline History make_history(std::uint64_t seed, std::size_t steps) {
    sim::Random random(seed);
    History history(steps);
    for (Step& step : history) {
        step.verb = static_cast<Verb>(random.below(kVerbs - 1));
        if (step.verb == Verb::restart || random.chance(1, 3)) {
            step.verb = Verb::insert;
        }
        step.store = 1 + static_cast<std::uint32_t>(random.below(kModelStores));
        step.key = static_cast<std::uint32_t>(random.below(40));
        step.size = static_cast<std::uint32_t>(random.below(2000));
        step.is_waited_for = random.chance(1, 2);
    }
    return history;
}

/// The same with some care of each kind after other steps have left something to do.
inline History make_care_history(std::uint64_t seed) {
    sim::Random random(seed);
    History history = make_history(seed, 8);
    for (std::uint32_t round = 0; round < 2; ++round) {
        std::vector<Care> cares{Care::compact, Care::take_back, Care::refill_disk, Care::fold_all};
        for (std::size_t i = cares.size(); i > 1; --i) {
            std::swap(cares[i - 1], cares[random.below(i)]);
        }
        cares.push_back(Care::drop_old);  // what it takes away cannot be taken back to
        for (const Care care : cares) {
            Step step;
            step.store = 1 + static_cast<std::uint32_t>(random.below(kModelStores));
            step.key = static_cast<std::uint32_t>(random.below(40));
            step.size = static_cast<std::uint32_t>(random.below(2000));
            step.verb = random.chance(1, 2) ? Verb::bulk : Verb::insert;
            step.is_waited_for = random.chance(1, 2);
            history.push_back(step);
            step.care = care;
            history.push_back(step);
        }
    }
    return history;
}

}  // namespace firedrill::store
