// Any body posted to a form, twice: one well-formed answer each; what validates is stored once; the journal
// holds nothing of it. The first byte chooses the form and whether storage works.
#include "base/check.h"
#include "fuzz/support.h"
#include "web/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace firedrill;
    if (size == 0) {
        return 0;
    }
    const std::string path = (data[0] & 1U) == 0 ? "/p/alpha/forms/phq-9" : "/p/alpha/forms/pt-intake";
    const bool is_broken = (data[0] & 2U) != 0;
    const std::string body = ":submission=0123456789abcdef0123456789abcdef&" +
                             std::string(as_text({data + 1, std::min(size - 1, web::kBodyLimit - 64)}));
    fuzz::WebWorld world;
    if (is_broken) {
        world.submissions.submit_error = Error{Fault::disk_full, "no space"};
    }

    const fuzz::Answer first = world.post(path, body);
    const fuzz::Answer again = world.post(path, body);

    CHECK(first.status == again.status);
    CHECK(first.field("Location") == again.field("Location"));
    CHECK(first.status == 303 || first.status == 400 || first.status == 422 || first.status == 503);
    CHECK(world.submissions.stored.size() == (first.status == 303 ? 1U : 0U));
    CHECK(world.submissions.submit_calls == (first.status == 303 || first.status == 503 ? 2U : 0U));
    constexpr std::string_view kLine = "A submission to practice alpha was not saved: disk_full.\n";
    CHECK(world.journal == (first.status == 503 ? std::string(kLine) + std::string(kLine) : ""));
    CHECK(fuzz::is_inert(first.body));
    return 0;
}
