// Key slots: the node's document and a person's rows in the directory. Nothing but what was made opens,
// whatever stands in its place; and a hostile cost is refused, not paid. The first byte chooses what is read,
// the rest is laid over a genuine one by exclusive or, or stands for itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "identity/credentials.h"
#include "identity/node_keys.h"
#include "tests/support/test_entropy.h"

using namespace firedrill;

namespace {

constexpr std::uint32_t kAffordableKib = 1024;
constexpr std::uint32_t kAffordablePasses = 2;
const StoreId kPractice{{1}};

struct Genuine {
    test::TestEntropy entropy;
    crypto::Secret password{as_bytes("a genuine password")};
    crypto::Secret practice_key{Bytes(32, 9)};
    Bytes document = make_document();
    identity::Credentials credentials = make_credentials();

    Bytes make_document() {
        identity::NodeKeys keys = identity::make_node_keys(TimelineId{{7}}, entropy);
        keys.authority_pem = "authority";
        keys.chain_pem = "chain";
        return identity::seal_node_keys(keys, password, crypto::kToyCost, entropy);
    }
    identity::Credentials make_credentials() {
        identity::Credentials out;
        out.practice.id = kPractice;
        out.person = identity::make_person(kPractice, PersonId{{2}}, "ada", identity::Role::owner, password,
                                           crypto::kToyCost, entropy);
        out.sealed_practice_key = *identity::seal_practice_key(kPractice, out.person, practice_key, entropy);
        out.slots = {identity::slot_fact(out.person)};
        out.practice.slot_list_tag = identity::slot_list_tag(practice_key, out.practice, out.slots);
        return out;
    }
};

void lay_over(MutableBytes genuine, ByteView mask) {
    for (std::size_t i = 0; i < std::min(genuine.size(), mask.size()); ++i) {
        genuine[i] ^= mask[i];
    }
}

bool is_dear(crypto::PasswordCost cost) {
    return cost.memory_kib > kAffordableKib || cost.passes > kAffordablePasses;
}

/// Opening would be allowed by the bounds and take too long for a fuzzer.
bool is_dear_document(ByteView document) {
    if (document.size() < 36) {
        return false;
    }
    Reader reader(document.subspan(28));
    const std::uint32_t memory_kib = reader.u32();
    return is_dear({memory_kib, reader.u32()});
}

void read_document(const Genuine& genuine, const Bytes& document) {
    const bool has_number = identity::passphrase_number_of(document).is_ok();
    if (is_dear_document(document)) {
        return;
    }
    const auto opened = identity::open_node_keys(document, genuine.password);
    CHECK(opened.is_ok() == (document == genuine.document));
    CHECK(!opened || has_number);
}

void read_record(ByteView text) {
    const auto record = identity::read_phc(as_text(text));
    CHECK(!record || identity::write_phc(*record) == as_text(text));
}

void read_person(const Genuine& genuine, std::uint8_t which, ByteView mask) {
    identity::Credentials altered = genuine.credentials;
    identity::PersonRow& person = altered.person;
    switch (which % 5) {
        case 0: lay_over(person.wrapped_private, mask); break;
        case 1: lay_over(person.public_key, mask); break;
        case 2: lay_over(altered.sealed_practice_key, mask); break;
        case 3: lay_over(altered.practice.slot_list_tag.bytes, mask); break;
        default:
            lay_over({reinterpret_cast<Byte*>(person.password.data()), person.password.size()}, mask);
            break;
    }
    const auto record = identity::read_phc(person.password);
    if (record && is_dear(record->cost)) {
        return;
    }
    const identity::Credentials& made = genuine.credentials;
    const bool is_same = person.wrapped_private == made.person.wrapped_private &&
                         person.public_key == made.person.public_key &&
                         person.password == made.person.password &&
                         altered.sealed_practice_key == made.sealed_practice_key &&
                         altered.practice.slot_list_tag == made.practice.slot_list_tag;
    const auto opened = identity::open_credentials(altered, genuine.password);
    CHECK(opened.is_ok() == is_same);
    CHECK(!opened || crypto::equal_secret(opened->view(), genuine.practice_key.view()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    static const Genuine genuine;
    const ByteView rest(data + 2, size - 2);
    switch (data[0] % 4) {
        case 0: read_document(genuine, Bytes(rest.begin(), rest.end())); break;
        case 1: {
            Bytes document = genuine.document;
            lay_over(document, rest);
            read_document(genuine, document);
            break;
        }
        case 2: read_record(rest); break;
        default: read_person(genuine, data[1], rest); break;
    }
    return 0;
}
