"""The kinds of trouble that users of optimizers report, and the test that holds each."""

import re
from pathlib import Path

import pytest

KINDS = {
    "gradients that have died": "test_adai_scale::gradients_that_die_leave_the_weights_finite",
    "tiny gradients": "test_adai_scale::gradients_of_any_size_leave_the_weights_finite",
    "the scale of the loss": "test_adai_scale::scaling_the_loss_scales_the_step_down_to_the_smallest",
    "second moments that are all zero": "test_adai_scale::where_all_second_moments_are_zero_they_are_equal",
    "derivatives at zero gradients": "test_adai_scale::derivatives_at_zero_gradients_are_finite",
    "a state of another shape": "test_loading::a_state_of_another_shape_is_refused_and_nothing_is_touched",
    "reordered parameters": "test_loading::reordered_parameters_are_refused_and_named",
    "load hooks that match by name": "test_loading::a_hook_may_match_parameters_by_name",
    "load hooks that are undone": "test_loading::what_hooks_change_stands",
    "a state of another optimizer": "test_loading::a_state_of_another_optimizer_is_refused",
    "numbers of steps that are no tensors": "test_loading::a_state_whose_number_of_steps_is_a_plain_number_goes_on",
    "states that gain keys by loading": "test_loading::a_loaded_state_saves_what_was_loaded",
    "decoupled decay of other codes": "test_loading::decoupled_decay_of_other_codes_stays_what_it_is",
    "AdaiW with a state of Adai": "test_loading::adaiw_stays_decoupled_with_a_state_of_adai",
    "decay of the authors' RAdam": "test_loading::the_authors_radam_goes_on_with_decoupled_decay",
    "distributed checkpoints": "test_loading::states_go_through_distributed_checkpoints",
    "parameters cut by FSDP1": "test_sharded::parameters_cut_by_fsdp1_in_their_own_shapes_are_refused_unless",
    "parameters cut by FSDP2": "test_sharded::parameters_cut_by_fsdp2_move_as_in_one_process",
    "processes that wait for each other": "test_sharded::no_process_waits_for_a_sum_that_the_other_does_not_take",
    "copies of process groups": "test_sharded::a_process_group_is_kept_by_a_deep_copy_and_refused_by_pickle",
    "groups of a wrapper that part": "test_cprop::groups_and_states_are_those_of_the_wrapped_optimizer",
    "a checkpoint without the wrapper": "test_cprop::a_checkpoint_of_the_bare_optimizer_is_taken",
    "hooks that fire twice": "test_cprop::hooks_of_all_optimizers_are_called_once",
    "wrapping twice": "test_cprop::a_second_wrapper_has_its_own_settings",
    "groups that nothing checks": "test_cprop::an_added_group_is_checked_and_a_refused_one_is_not_left_behind",
    "the first step of a late parameter": "test_schedules::a_parameter_of_momentum_ema_that_is_added_later",
    "exchanged parameters": "test_schedules::a_parameter_of_momentum_ema_may_be_exchanged",
    "modules without sizes": "test_schedules::modules_without_sizes_and_converted_ones",
    "a cycled momentum and its dampening": "test_schedules::a_cycled_momentum_is_an_ema_at_every_step",
    "a momentum cycled through beta0": "test_schedules::a_cycled_momentum_in_the_place_of_beta0_is_told_once",
    "schedules that compile again": "test_schedules::schedules_of_any_setting_compile_nothing_again",
    "gradients that start late": "test_tensorwise::a_gradient_that_starts_late_makes_steps_of_its_size_over_eps",
    "gradients that start late, avoided": "test_tensorwise::with_a_start_of_its_own_a_late_gradient_waits",
    "parameters without elements": "test_tensorwise::parameters_without_elements_are_no_trouble",
    "states edited in place": "test_edited_states::a_step_after_a_reset_sees_it",
    "states that are cut": "test_edited_states::code_that_cuts_every_state_but_the_number_of_steps",
    "states that reach into others": "test_edited_states::a_state_that_was_extended_in_part_is_refused",
    "states that were transposed": "test_edited_states::a_state_of_the_same_size_and_another_shape_is_refused_among",
    "saving one state": "test_edited_states::saving_the_state_of_one_parameter_saves_no_other",
    "resuming a large model": "test_edited_states::a_large_model_goes_on_bit_for_bit_from_its_state",
    "devices without double precision": "test_single_precision::without_double_precision_the_steps_are_the_same",
    "a compiler that is missing or broken": "test_adai_native::without_a_sound_numba_one_warning_and_the_same_steps",
    "a compiler that is switched off": "test_adai_native::a_numba_that_is_told_not_to_compile_is_not_used",
    "a step at the end of a program": "test_adai_native::a_step_at_the_end_of_a_program_needs_no_new_thread",
    "slow imports": "test_imports::importing_the_optimizers_imports_no_compiler",
    "settings that are text": "test_settings::text_is_no_number",
    "betas of another length": "test_settings::betas_are_two_numbers",
    "numbers of NumPy": "test_settings::numbers_of_numpy_become_plain_ones_that_load_as_weights_only",
    "learning rates with a dimension": "test_settings::a_learning_rate_of_one_element_is_a_number",
    "groups left behind": "test_settings::a_refused_group_is_not_left_behind",
    "lazy gradients": "test_gradients::what_a_gradient_stands_for_is_descended",
    "tensor subclasses": "test_gradients::parameters_of_another_tensor_type_stay_of_it",
    "complex parameters": "test_citizens::complex_parameters_move_as_the_pairs_of_their_real_numbers",
    "optimizers without state": "test_citizens::an_optimizer_without_state_is_judged_rightly",
    "stochastic rounding": "test_tensorwise::stochastic_rounding_makes_steps_in_the_mean",
    "stochastic rounding to be repeated": "test_tensorwise::a_generator_decides_on_stochastic_rounding_and",
    "groups without decay": "test_create::every_row_has_a_group_with_and_one_without_decay",
    "what PyTorch asks": "test_torch_contract::a_state_is_deterministic_and_equal_parameters_move_equally",
    "sharpness-aware minimisation": "test_wrappers::sharpness_aware_steps_are_steps_with_the_gradient_at",
    "lookahead": "test_wrappers::lookahead_moves_slow_weights_towards_fast_ones",
    "accumulated gradients": "test_wrappers::accumulated_gradients_make_the_step_of_the_whole_batch",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_test(kind):
    file, name = KINDS[kind].split("::")
    assert re.search(rf"^def test_{name}", Path(__file__).with_name(f"{file}.py").read_text(), re.MULTILINE)
