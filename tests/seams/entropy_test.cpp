#include "seams/entropy_contract.h"
