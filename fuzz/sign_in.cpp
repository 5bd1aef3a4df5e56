// Any body posted to /sign-in: a session only with the right password, given exactly once, and no trace in the journal.
#include "base/check.h"
#include "fuzz/support.h"
#include "web/http.h"
#include "web/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace firedrill;
    const std::string_view body = as_text({data, std::min(size, web::kBodyLimit)});
    fuzz::WebWorld world;

    const fuzz::Answer answer = world.post("/sign-in", body);

    const auto fields = web::parse_form(body);
    const auto is_only = [&](const char* name, std::string_view value) {
        return fields.is_ok() && fields->count(name) == 1 && fields->find(name)->second == value;
    };
    const bool is_right = is_only("password", web::test::FakeIdentity::kPassword) && is_only("login", "owner") &&
                          (is_only("practice", "alpha") || is_only("practice", "beta")) && fields->size() == 3;
    CHECK((answer.status == 303) == is_right);
    CHECK((world.identity.session_count() == 1) == is_right);
    CHECK(answer.field("Set-Cookie").empty() != is_right);
    CHECK(is_right || answer.status == 400 || answer.status == 401);
    CHECK(world.journal.empty());
    CHECK(fuzz::is_inert(answer.body));
    return 0;
}
