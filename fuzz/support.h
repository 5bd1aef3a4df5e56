// WebWorld: the site in process, for the fuzz targets of the web: request bytes in, answer bytes out. One
// input, one world.
//
// It stands where web/connection.cpp stands: RequestReader, Handler, serialize(), without streams and TLS.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sim_machine.h"
#include "tests/web/fakes.h"
#include "web/server.h"

namespace firedrill::fuzz {

struct Answer {
    unsigned status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    bool closes = false;
    [[nodiscard]] std::string_view field(std::string_view name) const;
};

/// What a RequestReader made of some bytes, as one text: equal texts, equal readings.
std::string reading_of(std::string_view bytes, std::size_t first_piece, std::size_t further_pieces);

class WebWorld {
  public:
    WebWorld();
    /// All the bytes on one connection. CHECKs that each request has exactly one well-formed answer with the
    /// security fields, and that nothing is answered after a framing error or after an answer that closes.
    std::vector<Answer> exchange(std::string_view bytes);
    /// A POST with this body, as a browser sends it; its one answer.
    Answer post(std::string_view path, std::string_view body);

    web::test::FakeIdentity identity;
    web::test::FakeSubmissions submissions;
    std::string journal;

  private:
    sim::SimMachine machine_{1};
    std::unique_ptr<web::Handler> site_;
};

/// Every tag of the page is one that the site writes: nothing of an input became markup.
[[nodiscard]] bool is_inert(std::string_view html);

}  // namespace firedrill::fuzz
