// Any bytes on a connection: the same requests however they are cut, one well-formed answer each, none after
// a framing error (WebWorld::exchange checks the last two).
#include "base/check.h"
#include "fuzz/support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace firedrill;
    constexpr std::size_t kSizeLimit = 128 * 1024;
    constexpr std::size_t kSplits = 64;
    const std::string_view bytes = as_text({data, std::min(size, kSizeLimit)});

    const std::string whole = fuzz::reading_of(bytes, bytes.size(), bytes.size());
    CHECK(fuzz::reading_of(bytes, 1, 1) == whole);
    const std::size_t step = bytes.size() / kSplits + 1;  // every split of a short input, 64 of a long one
    for (std::size_t cut = 1; cut < bytes.size(); cut += step) {
        CHECK(fuzz::reading_of(bytes, cut, bytes.size()) == whole);
    }

    fuzz::WebWorld world;
    for (const fuzz::Answer& answer : world.exchange(bytes)) {
        CHECK(!answer.field("Content-Type").starts_with("text/html") || fuzz::is_inert(answer.body));
    }
    return 0;
}
