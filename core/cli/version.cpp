#include <fmt/format.h>

#include <boost/version.hpp>

#include "base/version.h"
#include "cli/verbs.h"
#include "crypto/tls.h"
#include "store/database.h"

namespace firedrill::cli {

std::string version_text() {
    return fmt::format("firedrill {} (commit {})\n{}, SQLite {}, Boost {}.{}.{}", version(), build_commit(),
                       crypto::library_version(), store::sqlite_version(), BOOST_VERSION / 100000,
                       BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

}  // namespace firedrill::cli
